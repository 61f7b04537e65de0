package inventory

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"matrix-expiry-report/internal/cloudphone"
	"matrix-expiry-report/report"
)

var oneWorld = flag.Uint64("world", 0, "run TestCompleteListingsHaveEveryMatrix with this seed alone")

// A listing of 10,000 random worlds is never complete with a matrix missing, and
// never incomplete without a cause. A seed that fails is printed; run it again
// with -run Complete -world SEED.
func TestCompleteListingsHaveEveryMatrix(t *testing.T) {
	const worlds, shards = 10_000, 8
	if *oneWorld != 0 {
		runWorld(t, *oneWorld)
		return
	}
	for shard := range shards {
		t.Run(fmt.Sprint("shard ", shard), func(t *testing.T) {
			t.Parallel()
			for seed := uint64(shard + 1); seed <= worlds && !t.Failed(); seed += shards {
				runWorld(t, seed)
			}
		})
	}
}

func runWorld(t *testing.T, seed uint64) {
	w := newWorld(seed)
	synctest.Test(t, func(t *testing.T) {
		l := w.source().List(t.Context(), w.ask)
		if broken := w.judge(l); broken != "" {
			t.Errorf("%s; -world %d: %s\ncomplete %t, checked %t, %d of %d listed, problems %+v", broken, seed, w, l.Complete(), l.TotalChecked, l.Listed(), l.Total, l.Problems)
		}
	})
}

// judge is the model: it returns which promise a listing breaks.
func (w *world) judge(l report.Listing) string {
	listed := map[string]int{}
	for _, m := range l.Matrices {
		listed[m.NodeID]++
	}
	for _, id := range w.always() {
		if listed[id] == 0 && l.Complete() && !w.beyondTheLimit() {
			return "complete without " + id
		}
	}
	for id, n := range listed {
		if n > 1 || !w.everCreated[id] {
			return fmt.Sprintf("%s is listed %d times", id, n)
		}
	}
	switch {
	case !l.Complete() && !w.fails && len(w.events) <= 1:
		return "incomplete although nothing failed"
	case l.Complete() && l.Total != l.Listed() || l.Total < l.Listed():
		return "the total is wrong"
	}
	return ""
}

// beyondTheLimit reports whether the design does not promise to notice a missing
// row: two changes that offset each other, and only the total to check.
func (w *world) beyondTheLimit() bool {
	return len(w.events) > 1 && (w.fullCheck > 0 || w.ask != nil || w.oneRegion != "")
}

// A world is an account, its two endpoints, and what happens to both during a
// run.
type world struct {
	rows                []worldRow
	everCreated         map[string]bool
	events              []worldEvent
	faults              []worldFault
	sold                []string // by DescribeRegions
	ask                 []string // regions of the run
	oneRegion           string   // all that the unfiltered query shows, if not empty
	pageSize, fullCheck int
	noTotals            bool
	second              string // the second endpoint: none, same, empty, unknown, down; denied has all rows
	fails               bool   // something fails, beside the second endpoint not knowing the account

	mu    sync.Mutex
	calls map[string]int
}

type worldRow struct{ id, region string }

// A worldEvent happens before the nth call of a query.
type worldEvent struct {
	query  string
	nth    int
	change string // release, create, replace
	at     uint64
}

// A worldFault strikes a page of a query, so many times.
type worldFault struct {
	query, kind string
	page, times int
}

func (w *world) String() string {
	return fmt.Sprintf("%d rows, pages of %d, full check %d, events %+v, faults %+v, asks %v, one region %q, sold %v, no totals %t, second endpoint %s",
		len(w.rows), w.pageSize, w.fullCheck, w.events, w.faults, w.ask, w.oneRegion, w.sold, w.noTotals, w.second)
}

func newWorld(seed uint64) *world {
	r := rand.New(rand.NewPCG(seed, 1))
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	regions := []string{"cn-shanghai", "cn-hangzhou", "ap-southeast-1", "us-east-1"}[:1+r.IntN(4)]
	w := &world{everCreated: map[string]bool{}, calls: map[string]int{}, pageSize: 1 + r.IntN(6), second: "none"}
	for i := range r.IntN(24) {
		w.rows = append(w.rows, worldRow{fmt.Sprintf("cpn-%02d", i), pick(regions...)})
		w.everCreated[w.rows[i].id] = true
	}
	if r.IntN(2) == 0 {
		w.sold = regions
	}
	switch r.IntN(8) {
	case 0:
		w.ask, w.sold = append(slices.Clone(regions), regions[0]), nil
	case 1:
		w.oneRegion, w.sold = regions[0], regions
	case 2, 3:
		w.fullCheck = 1 + r.IntN(8)
	}
	for range r.IntN(3) {
		w.events = append(w.events, worldEvent{pick(append(regions, "")...), r.IntN(8), pick("release", "create", "replace"), r.Uint64()})
	}
	if len(w.events) == 2 && (w.events[0].change == "replace" || w.events[1].change == "replace" || w.events[0].change == w.events[1].change) {
		w.events = w.events[:1] // at most one release and one creation
	}
	// Without any count only another query can show what one has not.
	w.noTotals = w.ask == nil && w.oneRegion == "" && r.IntN(10) == 0
	kinds := []string{"503", "403", "cut", "expired", "repeat", "reset", "hide"}
	if w.noTotals {
		kinds = kinds[:6]
	}
	if r.IntN(3) == 0 {
		w.second = pick("same", "empty", "unknown", "down", "denied")
	}
	for range max(0, r.IntN(4)-1) {
		w.faults = append(w.faults, worldFault{pick(append(regions, "", "DescribeRegions")...), pick(kinds...), 1 + r.IntN(4), 1 + r.IntN(8)})
	}
	w.fails = len(w.faults) > 0 || w.second == "down" || w.second == "denied"
	w.events = w.split()
	return w
}

// split makes two events of a replacement, which happen at once.
func (w *world) split() (events []worldEvent) {
	for _, e := range w.events {
		if e.change == "replace" {
			release, create := e, e
			release.change, create.change = "release", "create"
			events = append(events, release, create)
			continue
		}
		events = append(events, e)
	}
	return events
}

// always lists the matrices that exist from the start of the run to its end.
func (w *world) always() (ids []string) {
	for _, row := range w.rows {
		if !strings.HasPrefix(row.id, "new") {
			ids = append(ids, row.id)
		}
	}
	return ids
}

func (w *world) source() *Source {
	s := &Source{fullCheck: w.fullCheck, API: cloudphone.API{
		Zone: time.UTC, HTTP: &http.Client{Transport: w, Timeout: 10 * time.Second}, MaxInFlight: 16,
		Credentials: func(context.Context) (cloudphone.Credentials, error) {
			return cloudphone.Credentials{AccessKeyID: "id", AccessKeySecret: "secret"}, nil
		},
	}}
	s.Endpoints = []*url.URL{{Scheme: "http", Host: "first.test"}}
	if w.second != "none" {
		s.Endpoints = append(s.Endpoints, &url.URL{Scheme: "http", Host: "second.test"})
	}
	return s
}

// RoundTrip answers as the API does. It is in memory because 10,000 worlds over
// connections take minutes; other tests list over connections.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	status, body, err := w.respond(r)
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func (w *world) respond(r *http.Request) (status int, body string, err error) {
	q := r.URL.Query()
	query, offset := q.Get("BizRegionId"), 0
	if r.Header.Get("x-acs-action") == "DescribeRegions" {
		query = "DescribeRegions"
	}
	_, _ = fmt.Sscanf(q.Get("NextToken"), "token-%d", &offset)
	if w.second == "denied" && r.URL.Host == "first.test" {
		return 200, `{"TotalCount":0,"NodeModel":[],"RegionModels":[]}`, nil
	}
	if r.URL.Host == "second.test" {
		switch w.second {
		case "denied":
			return 403, `{"Code":"Forbidden.RAM","Message":"No."}`, nil
		case "empty":
			return 200, `{"TotalCount":0,"NodeModel":[],"RegionModels":[]}`, nil
		case "unknown":
			return 404, `{"Code":"InvalidAccessKeyId.NotFound","Message":"Specified access key is not found."}`, nil
		case "down":
			return 0, "", errors.New("connection refused")
		}
	}
	w.happen(query)
	hide, repeat := 0, false
	switch w.strike(query, offset/w.pageSize+1) {
	case "503":
		return 503, `{"Code":"ServiceUnavailable","Message":"Later."}`, nil
	case "403":
		return 403, `{"Code":"Forbidden.RAM","Message":"No."}`, nil
	case "cut":
		return 200, `{"TotalCount":9,"NodeModel":[{"NodeId":"cpn-0`, nil
	case "expired":
		return 400, `{"Code":"InvalidParameter.NextToken","Message":"The NextToken has expired."}`, nil
	case "reset":
		return 0, "", errors.New("connection reset by peer")
	case "hide":
		hide = 1
	case "repeat":
		repeat = true
	}
	if query == "DescribeRegions" {
		models := make([]string, len(w.sold))
		for i, region := range w.sold {
			models[i] = fmt.Sprintf(`{"RegionId":%q}`, region)
		}
		return 200, `{"RegionModels":[` + strings.Join(models, ",") + `]}`, nil
	}
	return 200, w.page(query, q.Get("MaxResults"), offset, hide, repeat), nil
}

// happen lets the events happen that are due before a call of a query.
func (w *world) happen(query string) {
	n := w.calls[query]
	w.calls[query]++
	for _, e := range w.events {
		if e.query != query || e.nth != n {
			continue
		}
		if e.change == "release" && len(w.rows) > 0 {
			i := int(e.at % uint64(len(w.rows)))
			w.rows = slices.Delete(w.rows, i, i+1)
		}
		if e.change == "create" {
			i := int(e.at % uint64(len(w.rows)+1))
			region := []string{"cn-shanghai", "cn-hangzhou"}[e.at%2]
			row := worldRow{fmt.Sprint("new-", len(w.everCreated)), region}
			w.everCreated[row.id] = true
			w.rows = slices.Insert(w.rows, i, row)
		}
	}
}

func (w *world) strike(query string, page int) string {
	for i := range w.faults {
		if f := &w.faults[i]; f.query == query && f.page == page && f.times > 0 {
			f.times--
			return f.kind
		}
	}
	return ""
}

func (w *world) page(region, size string, offset, hide int, repeat bool) string {
	if region == "" {
		region = w.oneRegion
	}
	var rows []string
	for _, row := range w.rows {
		if region == "" || row.region == region {
			rows = append(rows, fmt.Sprintf(`{"NodeId":%q,"RegionId":%q,"Status":"RUNNING"}`, row.id, row.region))
		}
	}
	n := w.pageSize
	if size == "1" {
		n = 1
	}
	from, to := min(offset, len(rows)), min(offset+n, len(rows))
	fields := []string{}
	if !w.noTotals {
		fields = append(fields, fmt.Sprintf(`"TotalCount":%d`, len(rows)))
	}
	switch {
	case repeat:
		fields = append(fields, fmt.Sprintf(`"NextToken":"token-%d"`, offset))
	case to < len(rows):
		fields = append(fields, fmt.Sprintf(`"NextToken":"token-%d"`, to))
	}
	shown := rows[min(from+hide, to):to]
	return `{"NodeModel":[` + strings.Join(shown, ",") + `],` + strings.Join(append(fields, `"RequestId":"R"`), ",") + `}`
}
