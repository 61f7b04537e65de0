// Package arch tests the imports, the dependencies and the file sizes of the
// program. It has no code other than tests.
package arch
