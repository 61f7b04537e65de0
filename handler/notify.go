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
	"matrix-expiry-report/internal/state"
	"matrix-expiry-report/report"
)

// ErrUndelivered means that the report cannot have reached any channel.
var ErrUndelivered = errors.New("the report was not delivered")

// notify delivers a report to those channels of the run that lack it, and records
// the deliveries in it and in the store. It returns an error if another run may be
// delivering the same event, or if no channel was reached and none can have been,
// so that a retry of the platform cannot post twice.
func (h *Handler) notify(ctx context.Context, log *slog.Logger, run runRequest, l report.Listing, r *report.Report) error {
	if len(run.channels) == 0 {
		return fmt.Errorf("%w: no channel is set up (SLACK_WEBHOOK_URL, DINGTALK_WEBHOOK_URL, …)", ErrUndelivered)
	}
	ctx, cancel := withEarlierDeadline(ctx, func(left time.Duration) time.Duration { // reserved for the response
		return min(time.Second, left/10)
	})
	defer cancel()
	session := h.openStore(ctx)
	turn, err := session.Claim(ctx, h.intent(run, l, *r))
	if err != nil {
		return err
	}
	problems := slices.Clip(r.Problems)
	r.Problems = append(problems, session.Problems()...)
	err = h.post(ctx, log, run, turn, r)
	turn.Finish(ctx)
	r.Problems = append(problems, session.Problems()...)
	return err
}

// options returns the options of the messages about a run.
func (run runRequest) options(ctx context.Context, now time.Time) message.Options {
	o := Options(run.settings)
	if o.RequestID = requestID(ctx); o.RequestID != "" { // the timer is one of Function Compute
		o.NextRun, _ = run.settings.NextRun(now) // unknown if CRON is invalid
	}
	return o
}

// post delivers a report to the channels of a turn for which it is due.
func (h *Handler) post(ctx context.Context, log *slog.Logger, run runRequest, turn *state.Turn, r *report.Report) error {
	reports := reportsFor(turn, turn.Channels, *r)
	if len(reports) > 0 {
		*r = reports[0]
	}
	sendCtx := ctx
	if !turn.Until.IsZero() {
		var cancel context.CancelFunc
		sendCtx, cancel = context.WithDeadline(ctx, turn.Until)
		defer cancel()
	}
	var channels []Channel     // to deliver to
	var toSend []report.Report // to these
	var places []int           // of these in the deliveries
	for _, c := range run.channels {
		name := c.Name()
		i := slices.Index(turn.Channels, name)
		switch {
		case i < 0: // an earlier run has delivered the event
			r.Deliveries = append(r.Deliveries, report.Delivery{Channel: name, Delivered: true})
		case isDue(run.settings, turn, name, *r):
			channels, toSend, places = append(channels, c), append(toSend, reports[i]), append(places, len(r.Deliveries))
			r.Deliveries = append(r.Deliveries, report.Delivery{Channel: name})
		default:
			turn.Quiet(name)
		}
	}
	o := run.options(ctx, r.GeneratedAt.Time)
	if turn.Remembers() {
		o.Remembered = len(turn.Snapshot().Matrices)
	}
	firstCtx, stop := withEarlierDeadline(sendCtx, func(left time.Duration) time.Duration {
		if len(channels) == 1 {
			return 0
		}
		return left / 3 // to notify the others of one that stalls
	})
	record := func(c Channel, err error) { turn.Record(ctx, c.Name(), outcome(err)) }
	errs := deliver(firstCtx, log, channels, toSend, o, run.key, record)
	stop()
	var reached []Channel
	var reachedPlaces []int
	for i, c := range channels {
		d := &r.Deliveries[places[i]]
		if errs[i] != nil {
			d.Error = errs[i].Error()
			continue
		}
		d.Delivered, d.Messages = true, 1
		reached, reachedPlaces = append(reached, c), append(reachedPlaces, places[i])
	}
	switch {
	case len(reached) == len(channels):
		if r.Complete && r.Listed > 0 { // an empty account may be the wrong one
			h.pingHeartbeat(ctx, log, run.settings.HeartbeatURL)
		}
	case len(reached) == 0 && slices.ContainsFunc(errs, mayHaveArrived):
		log.Error("delivery uncertain", "error", oneLine(errors.Join(errs...)))
	case len(reached) == 0:
		return fmt.Errorf("%w: %s", ErrUndelivered, oneLine(errors.Join(errs...)))
	default:
		// The readers of a channel cannot distinguish a dead webhook from a day without
		// findings, so the other channels name it.
		o.Undelivered = true
		for i, err := range deliver(sendCtx, log, reached, slices.Repeat([]report.Report{*r}, len(reached)), o, run.key+" undelivered", func(Channel, error) {}) {
			if err == nil {
				r.Deliveries[reachedPlaces[i]].Messages++
			}
		}
	}
	return nil
}

// deliver sends each channel its report, concurrently, and calls record with each
// outcome as it comes. It returns the errors in the order of the channels, nil for
// a delivery.
func deliver(ctx context.Context, log *slog.Logger, channels []Channel, reports []report.Report, o message.Options, key string, record func(Channel, error)) []error {
	errs := make([]error, len(channels))
	var wg sync.WaitGroup
	for i, c := range channels {
		wg.Go(func() {
			errs[i] = send(ctx, c, reports[i], o, key)
			if errs[i] != nil {
				log.Error("not delivered", "channel", c.Name(), "error", errs[i].Error())
			} else {
				log.Info("delivered", "channel", c.Name())
			}
			record(c, errs[i])
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
