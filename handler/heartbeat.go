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
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, to.String(), nil)
	if err != nil {
		return // cannot happen: the settings have parsed the URL
	}
	req.Close = true // the instance is frozen between runs, which breaks idle connections
	res, err := http.DefaultTransport.RoundTrip(req)
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
	timeout, isNet := errors.AsType[net.Error](err)
	op, isOp := errors.AsType[*net.OpError](err)
	if _, isDNS := errors.AsType[*net.DNSError](err); isDNS {
		return "the host name does not resolve"
	}
	if _, isCertificate := errors.AsType[*tls.CertificateVerificationError](err); isCertificate {
		return "the certificate is not trusted"
	}
	switch {
	case isNet && timeout.Timeout():
		return "timeout"
	case isOp && op.Op == "dial":
		return "no connection"
	}
	return "no valid response"
}
