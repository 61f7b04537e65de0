// Package emulator holds the faults that tests inject into the emulated services:
// responses of the API, lists without an end, and connections to a chat.
//
// The services are emulated in memory, one in each subpackage. Each has a Server,
// an [http.Handler] whose zero value is ready to use:
//   - cloud emulates the Alibaba Cloud Phone API (eds-aic 2023-09-30) and STS;
//   - chat emulates the webhooks of the chat services;
//   - fc emulates Function Compute while a function is deployed.
//
// Each is as strict as its vendor's documentation: a request that the real
// service would refuse is refused here, in the same form and with the reason.
// The emulators import nothing of the program that they check, so that a mistake in one
// is not repeated in the other.
package emulator
