package handler

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"testing"
)

// TestHeartbeatError checks the description of every kind of error, of which the
// text may contain the URL.
func TestHeartbeatError(t *testing.T) {
	other := errors.New("https://monitor.example/ping/h3artbeat")
	for _, c := range []struct {
		err  error
		want string
	}{
		{&net.DNSError{Err: "no such host", Name: "monitor.example"}, "the host name does not resolve"},
		{&tls.CertificateVerificationError{Err: other}, "the certificate is not trusted"},
		{&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, "timeout"},
		{&net.OpError{Op: "dial", Err: other}, "no connection"},
		{&net.OpError{Op: "read", Err: other}, "no valid response"},
		{context.DeadlineExceeded, "timeout"},
		{other, "no valid response"},
	} {
		if got := heartbeatError(fmt.Errorf("wrapped: %w", c.err)); got != c.want {
			t.Errorf("%v: %s, want %s", c.err, got, c.want)
		}
	}
}
