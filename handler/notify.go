package handler

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// ErrUndelivered means that the report cannot have reached any channel.
var ErrUndelivered = errors.New("the report was not delivered")

// notify delivers a report to the channels of the run and records the
// deliveries in it. It returns an error only if no channel was reached and none
// can have been, so that a retry of the platform cannot post twice.
func (h *Handler) notify(ctx context.Context, log *slog.Logger, run runRequest, r *report.Report) error {
	ctx, cancel := withEarlierDeadline(ctx, func(left time.Duration) time.Duration { // reserved for the response
		return min(time.Second, left/10)
	})
	defer cancel()
	o := Options(run.settings)
	o.RequestID = requestID(ctx)
	firstCtx, stop := withEarlierDeadline(ctx, func(left time.Duration) time.Duration {
		if len(run.channels) == 1 {
			return 0
		}
		return left / 3 // to notify the others of one that stalls
	})
	errs := deliver(firstCtx, log, run.channels, *r, o, run.key)
	stop()
	var reached []Channel
	var places []int // of these in the run
	for i, c := range run.channels {
		d := report.Delivery{Channel: c.Name(), Delivered: errs[i] == nil}
		if d.Delivered {
			reached, places = append(reached, c), append(places, i)
			d.Messages = 1
		} else {
			d.Error = errs[i].Error()
		}
		r.Deliveries = append(r.Deliveries, d)
	}
	switch {
	case len(run.channels) == 0:
		return fmt.Errorf("%w: no channel is set up (SLACK_WEBHOOK_URL, DINGTALK_WEBHOOK_URL, …)", ErrUndelivered)
	case len(reached) == 0 && slices.ContainsFunc(errs, mayHaveArrived):
		log.Error("delivery uncertain", "error", oneLine(errors.Join(errs...)))
	case len(reached) == 0:
		return fmt.Errorf("%w: %s", ErrUndelivered, oneLine(errors.Join(errs...)))
	case len(reached) < len(run.channels):
		// The readers of a channel cannot distinguish a dead webhook from a day without
		// findings, so the other channels name it.
		o.Undelivered = true
		for i, err := range deliver(ctx, log, reached, *r, o, run.key+" undelivered") {
			if err == nil {
				r.Deliveries[places[i]].Messages++
			}
		}
	case r.Complete && r.Listed > 0: // an empty account may be the wrong one
		h.pingHeartbeat(ctx, log, run.settings.HeartbeatURL)
	}
	return nil
}

// deliver sends a report to the channels concurrently. It returns their errors
// in the order of the channels, nil for a delivery.
func deliver(ctx context.Context, log *slog.Logger, channels []Channel, r report.Report, o message.Options, key string) []error {
	errs := make([]error, len(channels))
	var wg sync.WaitGroup
	for i, c := range channels {
		wg.Go(func() {
			if errs[i] = send(ctx, c, r, o, key); errs[i] != nil {
				log.Error("not delivered", "channel", c.Name(), "error", errs[i].Error())
				return
			}
			log.Info("delivered", "channel", c.Name())
		})
	}
	wg.Wait()
	return errs
}

// mayHaveArrived reports whether a message may have arrived despite the error.
func mayHaveArrived(err error) bool {
	var u interface{ Uncertain() bool }
	return errors.As(err, &u) && u.Uncertain()
}

// send delivers a report to one channel. A panic becomes an error, so that it
// affects no other channel.
func send(ctx context.Context, c Channel, r report.Report, o message.Options, key string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: panic: %v", c.Name(), p)
		}
	}()
	return c.Send(ctx, r, o, key)
}

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
	// Close, as the instance is frozen between runs, which breaks idle connections.
	req := &http.Request{Method: http.MethodGet, URL: to, Header: http.Header{}, Close: true}
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
