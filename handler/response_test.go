package handler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/report"
)

// TestResponseLimit checks that a response takes as much as the limit in JSON,
// and after that nothing more.
func TestResponseLimit(t *testing.T) {
	for text, want := range map[string]error{
		"0123456789":  nil,
		"012345678\n": errTooLarge, // \n is two bytes in JSON
		"01234567\"":  nil,
		"0123<":       nil,
		"01234<":      errTooLarge,
		"矩阵":          nil,
		"矩阵矩阵":        errTooLarge,
	} {
		res := newResponse(10)
		if _, err := io.WriteString(res, text); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
		if want != nil {
			if _, err := io.WriteString(res, "x"); !errors.Is(err, errTooLarge) || !res.tooLarge() || len(res.body) > 0 {
				t.Errorf("%q: a further write: %v, %d slices", text, err, len(res.body))
			}
		}
	}
	res := newResponse(0)
	for range 100 {
		if _, err := io.WriteString(res, "0123456789"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestResponseMemory checks that a response is cut off while it is written: one
// of five times the limit takes no more memory than the largest possible, which
// is held twice only, as it was written and in the event.
func TestResponseMemory(t *testing.T) {
	const limit = 4 << 20
	for _, c := range []struct {
		path      string
		findings  int
		fits      bool
		maxMemory uint64 // in limits
	}{
		{"/report.json", 35, true, 4},
		{"/report.json", 200, false, 4},
		{"/report.csv", 35, true, 4},
		{"/report.csv", 200, false, 4},
	} {
		h := &Handler{
			Settings: config.Settings{Rules: report.Rules{Location: time.UTC}, Language: "en", HTTPAuth: config.TriggerAuth},
			Source:   failedSource(c.findings), Log: slog.New(slog.DiscardHandler), Now: time.Now,
		}
		var fits bool
		n := allocated(func() {
			res := newResponse(limit)
			h.serve(res, httptest.NewRequest("GET", c.path, nil))
			event, err := res.event()
			fits = err == nil && !res.tooLarge() && len(event) > limit/2
		})
		if fits != c.fits || n > c.maxMemory*limit {
			t.Errorf("%s of %d findings: fits %t, want %t, and allocates %d kB, want at most %d", c.path, c.findings, fits, c.fits, n>>10, c.maxMemory*limit>>10)
		}
	}
}

// A failedSource lists so many failed matrices with names of 100 kB.
type failedSource int

func (n failedSource) List(context.Context, []string) (l report.Listing) {
	name := strings.Repeat("x", 100_000)
	for i := range int(n) {
		l.Matrices = append(l.Matrices, &report.Matrix{NodeID: fmt.Sprint("cpn-", i), Name: name, Status: report.StatusFailed})
	}
	return l
}

// allocated returns the number of bytes that f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestAppendJSON checks what is escaped within a JSON string.
func TestAppendJSON(t *testing.T) {
	for text, want := range map[string]string{
		"a b~\x7f矩": "a b~\x7f矩",
		`"\`:        `\"\\`,
		"\n\r\x1f":  `\n\u000d\u001f`,
		"<&>":       `\u003c\u0026\u003e`,
	} {
		if got := string(appendJSON(nil, []byte(text))); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// TestWriteReportStopsAtLimit checks that writing JSON ends with the first write
// that fails.
func TestWriteReportStopsAtLimit(t *testing.T) {
	var r report.Report
	for i := range 1000 {
		r.Findings = append(r.Findings, report.Finding{Matrix: report.Matrix{NodeID: fmt.Sprint("cpn-", i)}})
	}
	for limit := range 30 {
		w := &countingWriter{limit: limit}
		if err := writeReport(w, r); !errors.Is(err, errTooLarge) || w.writes != limit+1 {
			t.Errorf("limit %d: %v after %d writes", limit, err, w.writes)
		}
	}
}

// A countingWriter fails after a number of writes.
type countingWriter struct{ limit, writes int }

func (w *countingWriter) Write(b []byte) (int, error) {
	if w.writes++; w.writes > w.limit {
		return 0, errTooLarge
	}
	return len(b), nil
}

// TestWriteReport compares the JSON of reports with that of encoding/json.
func TestWriteReport(t *testing.T) {
	matrix := report.Matrix{NodeID: "cpn-1", Name: "<a> \"b\" \u2028", Tags: map[string]string{"owner": "x"}}
	for _, r := range []report.Report{
		{Findings: []report.Finding{}, Problems: []report.Problem{}},
		{Findings: []report.Finding{{Matrix: matrix, Reason: report.Failed}, {Matrix: matrix}}, Matrices: []report.Matrix{matrix, matrix}, Page: 1, Pages: 2},
		{Findings: []report.Finding{{Matrix: matrix}}, Deliveries: []report.Delivery{{Channel: "slack"}}, Counts: map[string]int{"failed": 1}},
	} {
		var b strings.Builder
		if err := writeReport(&b, r); err != nil {
			t.Fatal(err)
		}
		want, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if got := reordered(t, []byte(b.String())); got != reordered(t, want) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// reordered returns JSON with the fields of objects sorted.
func reordered(t *testing.T, b []byte) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	b, _ = json.Marshal(v)
	return string(b)
}

// TestFailedFormat checks that a format which fails while it writes leaves an
// error response and nothing else.
func TestFailedFormat(t *testing.T) {
	builtIn := formats
	formats = append(slices.Clip(formats), format{"broken", "/report.broken", "text/plain", "", func(w io.Writer, _ result) error {
		_, _ = io.WriteString(w, "half a page")
		return errors.New("broken template")
	}})
	defer func() { formats = builtIn }()
	h := &Handler{
		Settings: config.Settings{Rules: report.Rules{Location: time.UTC}, Language: "en", HTTPAuth: config.TriggerAuth},
		Source:   failedSource(1), Log: slog.New(slog.DiscardHandler), Now: time.Now,
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest("GET", "/report.broken", nil))
	got := rec.Body.String()
	if rec.Code != http.StatusInternalServerError || strings.Contains(got, "half") || !strings.Contains(got, `"InternalError"`) || strings.Contains(got, "template") {
		t.Errorf("%d %s", rec.Code, got)
	}
}

// FuzzEvent compares the body in the JSON of an event with what was written.
func FuzzEvent(f *testing.F) {
	f.Add("{\"a\":\"<&>\u2028矩\"}\r\n\t\x00\x1f\x7f", 3)
	f.Add("\xff\xe4\xb8", 1)
	f.Fuzz(func(t *testing.T, body string, cut int) {
		res := newResponse(0)
		cut = max(0, min(cut, len(body)))
		_, _ = io.WriteString(res, body[:cut])
		_, _ = io.WriteString(res, body[cut:])
		event, err := res.event()
		if err != nil {
			t.Fatal(err)
		}
		var got struct{ Body string }
		if err := json.Unmarshal(event, &got); err != nil || got.Body != strings.ToValidUTF8(body, "\ufffd") {
			t.Fatalf("%v: %q, want %q", err, got.Body, body)
		}
		if again, err := json.Marshal(json.RawMessage(event)); err != nil || len(again) > len(event)+3*strings.Count(body, "\u2028")+3*strings.Count(body, "\u2029") {
			t.Errorf("the SDK makes %d bytes of %d: %v", len(again), len(event), err)
		}
		if want := len(event) - len(`{"statusCode":200,"headers":{},"isBase64Encoded":false,"body":""}`); strings.ToValidUTF8(body, "") == body && res.size != want {
			t.Errorf("size is %d, want %d", res.size, want)
		}
	})
}
