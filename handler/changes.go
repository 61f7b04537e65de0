package handler

import (
	"context"
	"slices"
	"time"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/state"
	"matrix-expiry-report/report"
)

// A findingMemory is what is remembered of a matrix that needs attention.
type findingMemory struct {
	since    *report.Time // since when it has needed attention
	renewals *report.Renewals
}

// findingMemories returns what is remembered of the findings of a report, in their
// order.
func findingMemories(r report.Report, now state.Snapshot) []findingMemory {
	all := make([]findingMemory, len(r.Findings))
	for i, f := range r.Findings {
		m, _ := now.Matrix(f.Account, f.NodeID)
		if !m.Since.IsZero() {
			all[i].since = &report.Time{Time: m.Since.In(r.GeneratedAt.Location())}
		}
		if m.Renewals.Times > 0 {
			all[i].renewals = &m.Renewals
		}
	}
	return all
}

// changesOf returns the changes since the last report that a channel got, and the
// time of that, which is zero if there is none or it is not known.
func changesOf(turn *state.Turn, channel string) (changes []report.Change, since time.Time) {
	known, _ := turn.Known(channel)
	if known == nil {
		return nil, time.Time{}
	}
	return changesIn(turn.Changes(channel)), known.At
}

// changesIn returns the changes of the store as those of a report.
func changesIn(all []state.Change) (changes []report.Change) {
	for _, c := range all {
		changes = append(changes, report.Change{
			NodeID: c.Matrix.ID, Name: c.Matrix.Name, Account: c.Matrix.Account, Region: c.Matrix.Region, Kind: c.Kind, Reason: c.Matrix.Reason,
			ExpiresAt: report.Time{Time: c.Matrix.Expires}, WasExpiresAt: report.Time{Time: c.Was.Expires},
		})
	}
	return changes
}

// reportsFor returns the reports to channels, which differ in what changed since the
// last one that each of them got. It changes the findings of r.
func reportsFor(turn *state.Turn, channels []string, r report.Report) []report.Report {
	if turn.Remembers() {
		for i, m := range findingMemories(r, turn.Snapshot()) {
			r.Findings[i].Since, r.Findings[i].Renewals = m.since, m.renewals
		}
	}
	reports := make([]report.Report, len(channels))
	var last []report.Change
	for i, channel := range channels {
		changes, since := changesOf(turn, channel)
		switch {
		case since.IsZero():
			reports[i] = r
		case i > 0 && reports[i-1].ChangesSince != nil && reports[i-1].ChangesSince.Equal(since) && slices.Equal(changes, last):
			reports[i] = reports[i-1] // most channels got the same reports
		default:
			reports[i] = r.WithChanges(since, changes)
		}
		last = changes
	}
	return reports
}

// A memory is what the store adds to a report that is only looked at: the changes
// since the last report to the first channel. The zero value adds nothing.
type memory struct {
	changes  []report.Change
	since    time.Time
	findings map[[2]string]findingMemory // by account and id
	problems []report.Problem
	days     []report.Day // of the last year
}

// recall reads what the store adds to the report of a listing.
func (h *Handler) recall(ctx context.Context, s config.Settings, l report.Listing, r report.Report) (m memory) {
	if h.Store == nil || h.isPartial(s) {
		return m
	}
	in := state.Intent{Listing: remembered(s.Rules, l, r), Location: s.Location}
	for _, c := range h.Channels[:min(len(h.Channels), 1)] {
		in.Channels = append(in.Channels, c.Name())
	}
	session := h.openStore(ctx)
	turn := session.Look(ctx, in)
	for _, channel := range in.Channels {
		m.changes, m.since = changesOf(turn, channel)
	}
	days, _ := session.Days(ctx) // Problems has the error
	m.days = daysOf(days, s.Location)
	m.problems = session.Problems()
	if turn.Remembers() {
		m.findings = map[[2]string]findingMemory{}
		for i, f := range findingMemories(r, turn.Snapshot()) {
			m.findings[[2]string{r.Findings[i].Account, r.Findings[i].NodeID}] = f
		}
	}
	return m
}

// addTo returns r with what is remembered. It changes the findings of r.
func (m memory) addTo(r report.Report) report.Report {
	for i, f := range r.Findings {
		known := m.findings[[2]string{f.Account, f.NodeID}]
		r.Findings[i].Since, r.Findings[i].Renewals = known.since, known.renewals
	}
	r.Problems = append(slices.Clip(r.Problems), m.problems...)
	if m.since.IsZero() {
		return r
	}
	return r.WithChanges(m.since, m.changes)
}

// isPartial reports whether a report with these settings is not that of the
// handler's own, so that it cannot be compared with what is remembered.
func (h *Handler) isPartial(s config.Settings) bool {
	return s.Days != h.Settings.Days || !slices.Equal(s.Regions, h.Settings.Regions)
}
