package handler

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// A job is one run: what it follows, whom it tells.
type job struct {
	settings config.Settings
	channels []Channel
	post     bool
	key      string           // names the run to the channels
	notes    []report.Problem // what is to be told besides
}

// ErrNobody is returned where a report was to be posted and reached nobody.
var ErrNobody = errors.New("the report reached nobody")

// Look runs a report without telling anybody.
func (h *Handler) Look(ctx context.Context) report.Report {
	r, _ := h.run(ctx, h.Log, job{settings: h.Settings})
	return r
}

// Post runs a report and tells people; the error says that it reached nobody.
func (h *Handler) Post(ctx context.Context, key string) (report.Report, error) {
	return h.run(ctx, h.Log, job{settings: h.Settings, channels: h.Channels, post: true, key: key})
}

// run lists, decides and, if it is to, tells. A run that could read nothing
// tells that.
func (h *Handler) run(ctx context.Context, log *slog.Logger, j job) (report.Report, error) {
	start := h.Now() // of which the report is: what is kept while listing is what it will tell
	listing := h.collectInTime(ctx, log, j.settings.Regions, func(m *report.Matrix) report.Fate { return j.settings.Rules.Fate(m, start) })
	listed := h.Now()
	listing.Problems = append(listing.Problems, j.notes...)
	listing.Problems = append(listing.Problems, emptyRegions(j.settings.Regions, listing)...)
	r := report.Build(j.settings.Rules, listing, start)
	var err error
	switch {
	case j.post && (j.settings.NotifyOn != config.OnFindings || len(r.Findings) > 0 || !r.Complete || r.HasWarnings()):
		err = h.tell(ctx, log, j, &r)
	case j.post: // a good day, on which nobody wants to hear
		h.beat(ctx, log, j.settings.HeartbeatURL)
	}
	h.logReport(log, listing, r, listed.Sub(start), h.Now().Sub(start))
	return r, err
}

// logReport says what a run has found and what it took.
func (h *Handler) logReport(log *slog.Logger, l report.Listing, r report.Report, listing, whole time.Duration) {
	for _, p := range l.Mended {
		log.Info("mended", problem(p))
	}
	for _, p := range r.Problems {
		log.Warn("problem", problem(p))
	}
	for _, f := range r.Findings {
		log.Debug("finding", "node_id", f.NodeID, "matrix_region", f.Region, "reason", f.Reason, "severity", f.Severity, "expires_at", f.ExpiresAt)
	}
	log.Info("done", "findings", len(r.Findings), "counts", r.Counts, "listed", r.Listed, "total", r.Total, "complete", r.Complete,
		"problems", len(r.Problems), "posted", count(r.Deliveries), "channels", len(r.Deliveries),
		"calls", l.Effort.Calls, "retries", l.Effort.Retries, "bytes", l.Effort.Bytes,
		"listing_ms", listing.Milliseconds(), "took_ms", whole.Milliseconds())
}

// problem is how a problem is logged; its account and region are not those of
// the function.
func problem(p report.Problem) slog.Attr {
	return slog.Group("problem", "endpoint", p.Endpoint, "account", p.Account, "region", p.Region,
		"code", p.Code, "message", p.Message, "request_id", p.RequestID, "may_hide", p.MayHideMatrices)
}

func count(ds []report.Delivery) (delivered int) {
	for _, d := range ds {
		if d.Delivered {
			delivered++
		}
	}
	return delivered
}

// emptyRegions tells of regions that were named and hold nothing: one that is
// misspelt would hide its matrices for ever.
func emptyRegions(named []string, l report.Listing) (problems []report.Problem) {
	for _, region := range named {
		unread := slices.ContainsFunc(l.Problems, func(p report.Problem) bool { return p.Region == region || p.Region == "" && p.MayHideMatrices })
		if !unread && !slices.Contains(l.Regions, region) {
			problems = append(problems, report.Problem{Region: region, Code: "EmptyRegion", Message: "no matrix is there: check the region's name"})
		}
	}
	return problems
}

// collectInTime lists what it can in the time that leaves enough to deliver.
func (h *Handler) collectInTime(ctx context.Context, log *slog.Logger, regions []string, fate func(*report.Matrix) report.Fate) report.Listing {
	ctx, cancel := sooner(ctx, reserve)
	defer cancel()
	return h.collect(ctx, log, regions, fate)
}

func (h *Handler) collect(ctx context.Context, log *slog.Logger, regions []string, fate func(*report.Matrix) report.Fate) (l report.Listing) {
	defer func() {
		if p := recover(); p != nil {
			log.Error("panic", "cause", fmt.Sprint(p), "stack", string(debug.Stack()))
			l = report.Listing{Problems: []report.Problem{{Code: "Panic", Message: fmt.Sprint("the listing broke: ", p), MayHideMatrices: true}}}
		}
	}()
	return h.Source.List(ctx, regions, fate)
}

// sooner ends ctx before its deadline, if it has one, by what keep makes of the
// time that is left.
func sooner(ctx context.Context, keep func(left time.Duration) time.Duration) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, deadline.Add(-keep(time.Until(deadline))))
}

// reserve is how much of the time that is left is kept to deliver: the larger
// of 10 seconds and a fifth, but never more than half.
func reserve(left time.Duration) time.Duration {
	return min(max(10*time.Second, left/5), left/2)
}

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

// send is one channel's delivery; a panic in it costs only this channel.
func send(ctx context.Context, c Channel, r report.Report, o message.Options, key string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: panic: %v", c.Name(), p)
		}
	}()
	return c.Send(ctx, r, o, key)
}

// beat tells a watcher of scheduled jobs that this one did its work. A watcher
// that cannot be told will raise its own alarm, so a failure is only logged.
func (h *Handler) beat(ctx context.Context, log *slog.Logger, to *url.URL) {
	if to == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, to.String(), nil)
	if err != nil {
		return // the settings have looked at it
	}
	req.Close = true // as in package chat
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		if uerr, ok := errors.AsType[*url.Error](err); ok {
			err = uerr.Err // without the address, which is a secret
		}
		log.Warn("heartbeat", "host", to.Hostname(), "error", err.Error())
		return
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 4<<10))
	if res.StatusCode >= 300 {
		log.Warn("heartbeat", "host", to.Hostname(), "status", res.StatusCode)
	}
}

// Options are what the settings say of how a report is told.
func Options(s config.Settings) message.Options {
	return message.Options{
		Language: s.Language, ConsoleURL: s.ConsoleURL, ReportURL: s.ReportURL, OwnerTag: s.OwnerTag, Regions: s.Regions, Mentions: s.Mentions, Own: s.Templates,
	}
}
