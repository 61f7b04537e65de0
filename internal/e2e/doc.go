// Package e2e tests the built binary as Function Compute runs it, against emulated
// services. It has no code other than tests.
package e2e
