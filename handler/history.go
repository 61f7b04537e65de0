package handler

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"matrix-expiry-report/internal/page"
	"matrix-expiry-report/internal/state"
	"matrix-expiry-report/report"
)

// ErrNoStore is the error of a history without a store.
var ErrNoStore = errors.New("there is no history: set STATE_URL, where runs are remembered")

// History returns what the records of the store show, and what changed since a
// day such as 2026-01-31, unless that is empty. It makes no listing.
func (h *Handler) History(ctx context.Context, since string) (report.History, error) {
	if h.Store == nil {
		return report.History{}, ErrNoStore
	}
	session := h.openStore(ctx)
	zone := h.Settings.Location
	days, err := session.Days(ctx)
	if err != nil {
		return report.History{}, err
	}
	history := report.History{
		Version: report.Version, GeneratedAt: report.Time{Time: h.Now().In(zone)}, TimeZone: zone.String(), Days: daysOf(days, zone),
	}
	if since != "" {
		period, err := session.Since(ctx, since)
		if err != nil {
			return report.History{}, err
		}
		c := report.Compared(period.From, period.To.In(zone), period.Complete, changesIn(period.Changes))
		history.Comparison = &c
	}
	history.Problems = append([]report.Problem{}, session.Problems()...)
	return history, nil
}

// daysOf returns recorded days as those of a history.
func daysOf(recorded []state.Day, zone *time.Location) []report.Day {
	days := make([]report.Day, 0, len(recorded))
	for _, d := range recorded {
		days = append(days, report.NewDay(d.At.In(zone), d.Complete, d.Matrices, d.Reasons, d.Severities))
	}
	return days
}

// serveHistory answers with the history: as a page for a browser, else as JSON.
func (h *Handler) serveHistory(w *response, r *http.Request) error {
	q, err := parseQuery(r, historic)
	if err != nil {
		return err
	}
	history, err := h.History(r.Context(), q.since)
	if err != nil {
		return historyError(err)
	}
	if r.URL.Path == "/history" && acceptsPage(r) {
		w.header.Set("Content-Type", formatNamed("html").contentType)
		w.header.Set("Content-Security-Policy", page.Policy())
		language := cmp.Or(q.Language, h.Settings.Language)
		return page.WriteHistory(w, history, page.HistoryOptions{Language: language, Path: r.URL.Path, Since: q.since})
	}
	body, err := json.Marshal(history)
	if err != nil {
		return err
	}
	writeJSON(w, body)
	return nil
}

// historyError returns the response for an error of [Handler.History].
func historyError(err error) httpError {
	if _, ok := errors.AsType[state.NotRecordedError](err); ok {
		return httpError{http.StatusNotFound, "NotRecorded", "since: " + err.Error()}
	}
	if errors.Is(err, ErrNoStore) {
		return httpError{http.StatusNotImplemented, "NoStore", err.Error()}
	}
	return httpError{http.StatusBadGateway, "StateUnavailable", "the records cannot be read: " + err.Error()}
}
