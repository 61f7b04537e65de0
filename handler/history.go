package handler

import (
	"encoding/json"
	"net/http"
	"time"

	"matrix-expiry-report/report"
)

// A historyDay is what the last complete report of a day counted, or the last one
// if none was complete.
type historyDay struct {
	Date       string                  `json:"date"`
	At         time.Time               `json:"at"`
	Complete   bool                    `json:"complete"`
	Matrices   int                     `json:"matrices"` // that were listed, without deleted ones
	Counts     map[report.Reason]int   `json:"counts"`   // of findings; a reason without any is left out
	Severities map[report.Severity]int `json:"severities"`
}

// serveHistory answers with the daily counts of the last year, in order of the days.
// A day without a report is left out.
func (h *Handler) serveHistory(w *response, r *http.Request) error {
	if h.Store == nil {
		return httpError{http.StatusNotImplemented, "NoStore", "runs are not remembered: set STATE_URL"}
	}
	session := h.openStore(r.Context())
	newest := session.Latest(r.Context())
	if problems := session.Problems(); newest == nil && len(problems) > 0 {
		return httpError{http.StatusBadGateway, problems[0].Code, problems[0].Message}
	}
	days := []historyDay{}
	if newest != nil {
		for _, d := range newest.Days {
			days = append(days, historyDay{d.Date, d.At.In(h.Settings.Location), d.Complete, d.Matrices, d.Reasons, d.Severities})
		}
	}
	body, err := json.Marshal(map[string][]historyDay{"days": days})
	if err != nil {
		return err
	}
	writeJSON(w, body)
	return nil
}
