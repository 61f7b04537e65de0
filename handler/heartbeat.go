package handler

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"
)

// heartbeatTimeout bounds a request to the heartbeat URL.
const heartbeatTimeout = 5 * time.Second

// pingHeartbeat requests the URL of a monitor that raises an alarm if a run is
// missing. An error is only logged: the monitor raises its alarm then. The
// request goes through the transport, which follows no redirect: one would send
// the URL, which is a secret, to another host.
func (h *Handler) pingHeartbeat(ctx context.Context, log *slog.Logger, to *url.URL) {
	if to == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, heartbeatTimeout)
	defer cancel()
	req := &http.Request{Method: http.MethodGet, URL: to, Header: http.Header{}, Close: true} // the instance freezes, which breaks idle connections
	res, err := http.DefaultTransport.RoundTrip(req.WithContext(ctx))
	if err != nil {
		log.Warn("heartbeat", "host", to.Hostname(), "error", heartbeatError(err))
		return
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		log.Warn("heartbeat", "host", to.Hostname(), "status", res.StatusCode)
	}
}

// heartbeatError returns why a request failed. It never has the text of err,
// which may quote the URL or what the server sent.
func heartbeatError(err error) string {
	netErr, isNet := errors.AsType[net.Error](err)
	opErr, isOp := errors.AsType[*net.OpError](err)
	_, isDNS := errors.AsType[*net.DNSError](err)
	_, isCertificate := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case isDNS:
		return "the host name does not resolve"
	case isCertificate:
		return "the certificate is not trusted"
	case isNet && netErr.Timeout():
		return "timeout"
	case isOp && opErr.Op == "dial":
		return "no connection"
	}
	return "no valid response"
}
