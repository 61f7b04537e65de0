package handler

import (
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"context"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/report"
)

// ids is a row of the table of formats: the ids of the findings, one per line.
var ids = format{"ids", "/report.ids", "text/plain; charset=utf-8", "", func(w io.Writer, res result) error {
	for _, f := range res.rows {
		if _, err := fmt.Fprintln(w, f.NodeID); err != nil {
			return err
		}
	}
	return nil
}}

type listing report.Listing

func (l listing) List(context.Context, []string) report.Listing { return report.Listing(l) }

// A row in the table is all that a format needs: its path, ?format= and the list
// of routes follow from it.
func TestSampleFormat(t *testing.T) {
	builtIn := formats
	formats = append(slices.Clip(formats), ids)
	defer func() { formats = builtIn }()

	h := &Handler{
		Settings: config.Load(config.NewEnv(func(name string) string { return map[string]string{"HTTP_AUTH": "trigger"}[name] })),
		Source:   listing{Matrices: []*report.Matrix{{NodeID: "cpn-1", Status: "FAILED"}, {NodeID: "cpn-2", Status: "FAILED"}}, Total: 2},
		Log:      slog.New(slog.DiscardHandler), Now: time.Now,
	}
	for target, want := range map[string]string{
		"/report.ids":        "cpn-1\ncpn-2\n",
		"/report?format=ids": "cpn-1\ncpn-2\n",
		"/nothing":           "/report.ids",
	} {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest("GET", target, nil))
		if !strings.Contains(rec.Body.String(), want) {
			t.Errorf("%s: %d %s, want %s", target, rec.Code, rec.Body, want)
		}
	}
}
