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

// ErrNobody is returned where a report was to be posted and reached nobody.
var ErrNobody = errors.New("the report reached nobody")

// tell posts to every channel side by side and notes what became of it.
func (h *Handler) tell(ctx context.Context, log *slog.Logger, j job, r *report.Report) error {
	ctx, cancel := sooner(ctx, func(left time.Duration) time.Duration { return min(time.Second, left/10) }) // the answer still has to get back
	defer cancel()
	o := Options(j.settings)
	o.RequestID = requestID(ctx)
	deliveries, uncertain := deliverInTime(ctx, log, j.channels, *r, o, j.key)
	r.Deliveries = deliveries
	delivered := count(deliveries)
	var why []string
	for _, d := range deliveries {
		if !d.Delivered {
			why = append(why, d.Error)
		}
	}
	switch {
	case len(deliveries) == 0:
		return fmt.Errorf("%w: no channel is set up (SLACK_WEBHOOK_URL, DINGTALK_WEBHOOK_URL, …)", ErrNobody)
	case delivered == 0 && uncertain: // the platform would run again, and tell again who has it
		log.Error("nobody is known to have it", "error", strings.Join(why, "; "))
		return nil
	case delivered == 0:
		return fmt.Errorf("%w: %s", ErrNobody, strings.Join(why, "; "))
	}
	if delivered < len(deliveries) {
		tellOthers(ctx, log, j, r, o)
	} else if r.Complete {
		h.beat(ctx, log, j.settings.HeartbeatURL)
	}
	return nil
}

// deliverInTime is deliver within two thirds of the time that is left: where
// one of several channels stalls, the others are still to be told.
func deliverInTime(ctx context.Context, log *slog.Logger, channels []Channel, r report.Report, o message.Options, key string) (all []report.Delivery, uncertain bool) {
	if len(channels) > 1 {
		var cancel context.CancelFunc
		ctx, cancel = sooner(ctx, func(left time.Duration) time.Duration { return left / 3 })
		defer cancel()
	}
	return deliver(ctx, log, channels, r, o, key)
}

// deliver posts to the channels side by side. What failed is uncertain where a
// channel says that it may have arrived all the same.
func deliver(ctx context.Context, log *slog.Logger, channels []Channel, r report.Report, o message.Options, key string) (deliveries []report.Delivery, uncertain bool) {
	deliveries = make([]report.Delivery, len(channels))
	unknown := make([]bool, len(channels))
	var wg sync.WaitGroup
	for i, c := range channels {
		wg.Go(func() {
			err := send(ctx, c, r, o, key)
			deliveries[i] = report.Delivery{Channel: c.Name(), Delivered: err == nil}
			if err != nil {
				deliveries[i].Error = err.Error()
				var may interface{ Uncertain() bool }
				unknown[i] = errors.As(err, &may) && may.Uncertain()
				log.Error("not delivered", "channel", c.Name(), "error", err.Error())
				return
			}
			deliveries[i].Messages = 1
			log.Info("delivered", "channel", c.Name())
		})
	}
	wg.Wait()
	return deliveries, slices.Contains(unknown, true)
}

// send is one channel's delivery; a panic in it costs only this channel.
func send(ctx context.Context, c Channel, r report.Report, o message.Options, key string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: panic: %v", c.Name(), p)
		}
	}()
	return c.Send(ctx, r, o, key)
}

// tellOthers says in the channels that have the report which have it not: a
// dead webhook and a quiet week look the same to those who read there.
func tellOthers(ctx context.Context, log *slog.Logger, j job, r *report.Report, o message.Options) {
	o.Undelivered = true
	var reached []Channel
	for i, d := range r.Deliveries {
		if d.Delivered {
			reached = append(reached, j.channels[i])
		}
	}
	second, _ := deliver(ctx, log, reached, *r, o, j.key+" undelivered")
	for _, d := range second {
		i := slices.IndexFunc(r.Deliveries, func(first report.Delivery) bool { return first.Channel == d.Channel })
		r.Deliveries[i].Messages += d.Messages
	}
}

func count(ds []report.Delivery) (delivered int) {
	for _, d := range ds {
		if d.Delivered {
			delivered++
		}
	}
	return delivered
}
