package handler

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// A request is the JSON object of a timer's payload, a plain event or the body
// of POST /notify.
type request struct {
	config.Overrides
	Post   *bool `json:"post"`   // false builds the report without delivering it
	Doctor bool  `json:"doctor"` // check the setup instead; with post, send a test message
}

const requestHelp = `JSON such as {"days":7,"regions":["cn-hangzhou"],"channels":["slack"],"language":"en","notify_on":"findings","post":false}, with every field optional`

// parseRequest parses a request. Empty input is an empty request.
func parseRequest(b []byte) (request, error) {
	var req request
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	err := dec.Decode(&req)
	if err == nil {
		if _, err = dec.Token(); err != io.EOF {
			err = errors.New("unexpected data after the JSON object")
		}
	}
	if err == io.EOF { // of the input, or after the object
		return req, nil
	}
	return request{}, fmt.Errorf("%s; expected %s", strings.TrimPrefix(err.Error(), "json: "), requestHelp)
}

// newRun returns the run of the settings as the request overrides them. Its
// error joins everything that is wrong with the request.
func (h *Handler) newRun(req request) (runRequest, error) {
	settings, err := h.Settings.With(req.Overrides)
	if req.Doctor {
		err = errors.Join(err, errors.New("doctor: only valid as an event of its own"))
	}
	run := runRequest{settings: settings, channels: h.Channels, notify: req.Post == nil || *req.Post}
	if len(req.Channels) == 0 {
		return run, err
	}
	run.channels = slices.DeleteFunc(slices.Clone(h.Channels), func(c Channel) bool { return !slices.Contains(req.Channels, c.Name()) })
	var configured []string
	for _, c := range h.Channels {
		configured = append(configured, c.Name())
	}
	for _, name := range req.Channels {
		if !slices.Contains(configured, name) {
			err = errors.Join(err, fmt.Errorf("channels: %q is not a configured channel; configured: %s", name, strings.Join(configured, ", ")))
		}
	}
	return run, err
}

// oneLine returns the text of an error, joined errors in one line.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// A runRequest describes one run.
type runRequest struct {
	settings config.Settings
	channels []Channel
	notify   bool             // deliver the report, not only build it
	key      string           // identifies the run to the channels
	problems []report.Problem // added to those of the listing

	deliveryTime time.Duration
}

// Report makes a new listing and returns its report, without delivering it. The
// error is that of invalid overrides.
func (h *Handler) Report(ctx context.Context, o config.Overrides) (report.Report, error) {
	return h.runWith(ctx, request{Overrides: o, Post: new(false)}, "")
}

// Post makes a new listing and delivers its report to every channel, unless
// NOTIFY_ON says otherwise. The key identifies the run, see [Channel]. The error
// wraps [ErrUndelivered] if the report cannot have reached any channel.
func (h *Handler) Post(ctx context.Context, key string, o config.Overrides) (report.Report, error) {
	return h.runWith(ctx, request{Overrides: o}, key)
}

func (h *Handler) runWith(ctx context.Context, req request, key string) (report.Report, error) {
	run, err := h.newRun(req)
	if err != nil {
		return report.Report{}, err
	}
	run.key = key
	return h.run(ctx, h.Log, run)
}

// run lists the matrices, builds the report and delivers it if the request and
// the settings require that. A failed listing is reported, too.
func (h *Handler) run(ctx context.Context, log *slog.Logger, run runRequest) (report.Report, error) {
	start := h.Now() // the instant of the report
	run.deliveryTime = time.Minute
	listingCtx, cancel := withEarlierDeadline(ctx, func(left time.Duration) time.Duration {
		run.deliveryTime = deliveryTime(left)
		return run.deliveryTime
	})
	listing := h.collect(listingCtx, log, run.settings.Regions)
	cancel()
	listed := h.Now()
	listing.Problems = append(listing.Problems, run.problems...)
	listing.Problems = append(listing.Problems, emptyRegions(run.settings.Regions, listing)...)
	r := report.Build(run.settings.Rules, listing, start)
	var err error
	if run.notify {
		err = h.notify(ctx, log, run, listing, &r)
	} else {
		r = h.recall(ctx, run.settings, listing, r).addTo(r)
	}
	h.logReport(log, listing, r, listed.Sub(start), h.Now().Sub(start))
	return r, err
}

// collect lists the matrices. A panic of the source becomes a problem.
func (h *Handler) collect(ctx context.Context, log *slog.Logger, regions []string) (l report.Listing) {
	defer func() {
		if p := recover(); p != nil {
			log.Error("panic", "cause", fmt.Sprint(p), "stack", string(debug.Stack()))
			problem := report.Problem{Code: "Panic", Message: fmt.Sprint("listing panicked: ", p), MayHideMatrices: true}
			l = report.Listing{Problems: []report.Problem{problem}}
		}
	}()
	return h.Source.List(ctx, regions)
}

// withEarlierDeadline returns ctx with a deadline that is earlier by
// reserve(time left). A ctx without a deadline is returned unchanged.
func withEarlierDeadline(ctx context.Context, reserve func(left time.Duration) time.Duration) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, deadline.Add(-reserve(time.Until(deadline))))
}

// emptyRegions returns a problem for each named region without matrices: the
// matrices of a region whose name is misspelt would never be reported.
func emptyRegions(named []string, l report.Listing) (problems []report.Problem) {
	for _, region := range named {
		unread := slices.ContainsFunc(l.Problems, func(p report.Problem) bool {
			return p.Region == region || p.Region == "" && p.MayHideMatrices
		})
		if !unread && !slices.Contains(l.Regions, region) {
			problems = append(problems, report.Problem{Region: region, Code: "EmptyRegion", Message: "no matrices in this region; check its name"})
		}
	}
	return problems
}

// logReport logs the outcome and the cost of a run.
func (h *Handler) logReport(log *slog.Logger, l report.Listing, r report.Report, listing, total time.Duration) {
	for _, p := range l.Recovered {
		log.Info("recovered", problemAttr(p))
	}
	for _, p := range r.Problems {
		log.Warn("problem", problemAttr(p))
	}
	for _, f := range r.Findings {
		log.Debug("finding", "node_id", f.NodeID, "matrix_region", f.Region, "reason", f.Reason, "severity", f.Severity,
			"expires_at", f.ExpiresAt, "expires_raw", f.ExpiresRaw)
	}
	posted := 0
	for _, d := range r.Deliveries {
		if d.Delivered {
			posted++
		}
	}
	log.Info("done", "findings", len(r.Findings), "counts", r.Counts, "listed", r.Listed, "total", r.Total, "complete", r.Complete,
		"total_checked", r.TotalChecked, "problems", len(r.Problems), "posted", posted, "channels", len(r.Deliveries),
		"calls", l.Stats.Calls, "retries", l.Stats.Retries, "bytes", l.Stats.Bytes,
		"listing_ms", listing.Milliseconds(), "took_ms", total.Milliseconds())
}

// problemAttr returns a problem as a group: its account and region are not
// those of the function, which every line has.
func problemAttr(p report.Problem) slog.Attr {
	return slog.Group("problem", "endpoint", p.Endpoint, "account", p.Account, "region", p.Region,
		"code", p.Code, "message", p.Message, "request_id", p.RequestID, "may_hide", p.MayHideMatrices)
}

// Options returns the message options that follow from the settings.
func Options(s config.Settings) message.Options {
	return message.Options{
		Language: s.Language, ConsoleURL: s.ConsoleURL, ReportURL: s.ReportURL, OwnerTag: s.OwnerTag,
		Regions: s.Regions, Mentions: s.Mentions, Templates: s.Templates,
	}
}
