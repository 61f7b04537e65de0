package handler

import (
	"context"
	"hash/crc32"
	"strconv"
	"strings"
	"time"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/state"
	"matrix-expiry-report/report"
)

// openStore begins the use of the store in a run, which goes on without it if it
// cannot be opened.
func (h *Handler) openStore(ctx context.Context) *state.Session {
	if h.Store == nil {
		return state.Open(nil)
	}
	objects, err := h.Store(ctx)
	if err != nil {
		return state.Unavailable(err)
	}
	return state.Open(objects)
}

// intent returns what a run is about to send.
func (h *Handler) intent(run runRequest, l report.Listing, r report.Report) state.Intent {
	in := state.Intent{
		Event: run.key, Send: run.deliveryTime, Location: run.settings.Location,
		Partial: h.isPartial(run.settings) || len(run.channels) < len(h.Channels),
	}
	for _, c := range run.channels {
		in.Channels = append(in.Channels, c.Name())
	}
	if h.Store != nil {
		in.Listing = remembered(run.settings.Rules, l, r)
	}
	return in
}

// remembered returns what the store remembers of a listing and its report. It has
// neither deleted matrices nor those without an id.
func remembered(rules report.Rules, l report.Listing, r report.Report) state.Listing {
	s := state.Listing{At: r.GeneratedAt.Time, Complete: r.Complete, Matrices: make([]state.Matrix, 0, len(l.Matrices))}
	for _, region := range l.Scanned {
		s.Areas = append(s.Areas, state.Area{Region: region})
	}
	for _, p := range r.Problems {
		if p.MayHideMatrices || p.Endpoint == "" {
			key := []string{p.Endpoint, p.Account, p.Region, p.Code}
			if !p.MayHideMatrices { // a warning, such as of one of several settings
				key = append(key, strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(p.Message))), 36))
			}
			s.Problems = append(s.Problems, strings.Join(key, " "))
		}
	}
	if r.Listed == 0 {
		s.Problems = append(s.Problems, "no matrices")
	}
	findings := make(map[[2]string]*report.Finding, len(r.Findings))
	for i, f := range r.Findings {
		findings[[2]string{f.Account, f.NodeID}] = &r.Findings[i]
	}
	for _, m := range l.Matrices {
		if m.Status == report.StatusDeleted || m.NodeID == "" {
			continue
		}
		known := state.Matrix{ID: m.NodeID, Account: m.Account, Name: m.Name, Region: m.Region, Expires: m.ExpiresAt.Time}
		if f := findings[[2]string{m.Account, m.NodeID}]; f != nil {
			known.Reason, known.Severity = f.Reason, f.Severity
		} else {
			known.Snoozed = rules.Ignores(*m, r.GeneratedAt.Time)
		}
		s.Matrices = append(s.Matrices, known)
	}
	return s
}

// isDue reports whether NOTIFY_ON calls for a report in a channel.
func isDue(s config.Settings, turn *state.Turn, channel string, r report.Report) bool {
	switch s.NotifyOn {
	case config.OnFindings:
		return len(r.Findings) > 0 || !r.Complete || r.Listed == 0 || r.HasWarnings()
	case config.OnChanges:
		return turn.Due(channel, state.Schedule{RemindAt: s.RemindAt, DigestDay: s.DigestDay, Digest: s.Digest, Location: s.Location}).Any()
	}
	return true
}

// outcome returns what the store remembers of a delivery.
func outcome(err error) state.Outcome {
	switch {
	case err == nil:
		return state.Delivered
	case mayHaveArrived(err):
		return state.Uncertain
	}
	return state.Failed
}

// deliveryTime returns how much of the time that is left is reserved for
// delivery.
func deliveryTime(left time.Duration) time.Duration {
	return min(max(10*time.Second, left/5), left/2)
}
