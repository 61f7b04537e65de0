// Package emulator holds in-memory stand-ins for the services that the program
// talks to, and the responses that a test may inject into them.
//
// Its subpackages are ordinary http.Handlers, ready as their zero value:
//   - cloud emulates the Alibaba Cloud Phone API (eds-aic 2023-09-30) and STS;
//   - chat emulates the webhooks of the chat services;
//   - fc stands in for Function Compute while a function is deployed.
//
// Each is as strict as its vendor's documentation: a request that the real
// service would refuse is refused here, in the same form and with the reason.
// They import nothing of the program that they check, so that a mistake in one
// is not repeated in the other.
package emulator
