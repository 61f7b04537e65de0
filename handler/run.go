package handler

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
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

// Options are what the settings say of how a report is told.
func Options(s config.Settings) message.Options {
	return message.Options{
		Language: s.Language, ConsoleURL: s.ConsoleURL, ReportURL: s.ReportURL, OwnerTag: s.OwnerTag, Regions: s.Regions, Mentions: s.Mentions, Own: s.Templates,
	}
}
