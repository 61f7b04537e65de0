// Package docs tests the documents of the repository: their links, their
// commands, their tables, and what they name. It has no code other than tests.
package docs
