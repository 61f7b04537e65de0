package handler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// ErrUndelivered is returned for a report that reached none of its channels.
var ErrUndelivered = errors.New("the report was not delivered")

// notify delivers a report to the channels of the run and records the
// deliveries in it. It returns an error only if no channel was reached and none
// can have been, so that a retry of the platform cannot post twice.
func (h *Handler) notify(ctx context.Context, log *slog.Logger, run runRequest, r *report.Report) error {
	ctx, cancel := withEarlierDeadline(ctx, responseReserve)
	defer cancel()
	o := Options(run.settings)
	o.RequestID = requestID(ctx)
	deliveries, uncertain := deliverInTime(ctx, log, run.channels, *r, o, run.key)
	r.Deliveries = deliveries
	delivered := countDelivered(deliveries)
	var failures []string
	for _, d := range deliveries {
		if !d.Delivered {
			failures = append(failures, d.Error)
		}
	}
	switch {
	case len(deliveries) == 0:
		return fmt.Errorf("%w: no channel is set up (SLACK_WEBHOOK_URL, DINGTALK_WEBHOOK_URL, …)", ErrUndelivered)
	case delivered == 0 && uncertain:
		log.Error("delivery uncertain", "error", strings.Join(failures, "; "))
		return nil
	case delivered == 0:
		return fmt.Errorf("%w: %s", ErrUndelivered, strings.Join(failures, "; "))
	case delivered < len(deliveries):
		notifyFailedChannels(ctx, log, run, r, o)
	case r.Complete && r.Listed > 0: // an empty account may be the wrong one
		h.pingHeartbeat(ctx, log, run.settings.HeartbeatURL)
	}
	return nil
}

// responseReserve returns how much of the time left is reserved for the
// response after the delivery.
func responseReserve(left time.Duration) time.Duration { return min(time.Second, left/10) }

// failureNoticeReserve returns how much of the time left is reserved for
// notifying the other channels after one has failed.
func failureNoticeReserve(left time.Duration) time.Duration { return left / 3 }

// deliverInTime is deliver; with several channels it leaves enough time to
// notify the others of one that stalls.
func deliverInTime(ctx context.Context, log *slog.Logger, channels []Channel, r report.Report, o message.Options, key string) (deliveries []report.Delivery, uncertain bool) {
	if len(channels) > 1 {
		var cancel context.CancelFunc
		ctx, cancel = withEarlierDeadline(ctx, failureNoticeReserve)
		defer cancel()
	}
	return deliver(ctx, log, channels, r, o, key)
}

// deliver sends a report to the channels concurrently. It returns the outcomes
// in the order of the channels, and whether a message may have arrived despite
// an error.
func deliver(ctx context.Context, log *slog.Logger, channels []Channel, r report.Report, o message.Options, key string) (deliveries []report.Delivery, uncertain bool) {
	deliveries = make([]report.Delivery, len(channels))
	mayHaveArrived := make([]bool, len(channels))
	var wg sync.WaitGroup
	for i, c := range channels {
		wg.Go(func() {
			err := send(ctx, c, r, o, key)
			deliveries[i] = report.Delivery{Channel: c.Name(), Delivered: err == nil}
			if err != nil {
				deliveries[i].Error = err.Error()
				var u interface{ Uncertain() bool }
				mayHaveArrived[i] = errors.As(err, &u) && u.Uncertain()
				log.Error("not delivered", "channel", c.Name(), "error", err.Error())
				return
			}
			deliveries[i].Messages = 1
			log.Info("delivered", "channel", c.Name())
		})
	}
	wg.Wait()
	return deliveries, slices.Contains(mayHaveArrived, true)
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

// notifyFailedChannels names the failed channels in those that were reached:
// the readers of a channel cannot tell a dead webhook from a day without
// findings.
func notifyFailedChannels(ctx context.Context, log *slog.Logger, run runRequest, r *report.Report, o message.Options) {
	o.Undelivered = true
	var reached []Channel
	for i, d := range r.Deliveries {
		if d.Delivered {
			reached = append(reached, run.channels[i])
		}
	}
	notices, _ := deliver(ctx, log, reached, *r, o, run.key+" undelivered")
	for _, d := range notices {
		i := slices.IndexFunc(r.Deliveries, func(first report.Delivery) bool { return first.Channel == d.Channel })
		r.Deliveries[i].Messages += d.Messages
	}
}

// countDelivered returns the number of successful deliveries.
func countDelivered(ds []report.Delivery) (n int) {
	for _, d := range ds {
		if d.Delivered {
			n++
		}
	}
	return n
}
