package handler_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"matrix-expiry-report/handler"
	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/state"
)

// The history has a day for each day with a report, and a gap for each without.
func TestHistory(t *testing.T) {
	start := time.Date(2026, 11, 22, 1, 7, 0, 0, time.UTC)
	expires := start.AddDate(0, 0, 31)
	h := newHandler(matrixAt(&expires))
	h.Settings.Days = 30
	h.Channels = []handler.Channel{&recorder{name: "chat"}}
	w := &world{Handler: h}
	if rec := w.do("GET", "/history.json"); rec.Code != 501 {
		t.Errorf("without a store: %d %s", rec.Code, rec.Body)
	}
	withStore(t, h)
	if rec := w.do("GET", "/history.json"); rec.Code != 200 || rec.Body.String() != `{"days":[]}`+"\n" {
		t.Errorf("without a run: %d %s", rec.Code, rec.Body)
	}
	for _, day := range []int{0, 1, 3} {
		h.Now = func() time.Time { return start.AddDate(0, 0, day) }
		if _, err := h.Post(t.Context(), fmt.Sprint("daily ", day), config.Overrides{}); err != nil {
			t.Fatal(err)
		}
	}
	var got struct {
		Days []struct {
			Date     string
			Complete bool
			Matrices int
			Counts   map[string]int
		}
	}
	rec := w.do("GET", "/history.json")
	if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil || rec.Code != 200 {
		t.Fatalf("%d %v", rec.Code, err)
	}
	if fmt.Sprint(got.Days) != "[{2026-11-22 true 1 map[]} {2026-11-23 true 1 map[expiring:1]} {2026-11-25 true 1 map[expiring:1]}]" {
		t.Errorf("got %v", got.Days)
	}
	h.Store = func(context.Context) (state.Objects, error) { return nil, errors.New("no access key") }
	if rec := w.do("GET", "/history.json"); rec.Code != 502 {
		t.Errorf("with a store that cannot be opened: %d %s", rec.Code, rec.Body)
	}
}
