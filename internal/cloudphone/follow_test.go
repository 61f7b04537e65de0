package cloudphone_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"matrix-expiry-report/internal/emulator"
	"matrix-expiry-report/report"
)

// Whatever comes twice, in which order and from where: what a run keeps makes
// the report of all.
func TestASievedListingMakesTheSameReport(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, shanghai)
	rules := report.Rules{Days: 30, Steps: report.Steps{CriticalDays: 3, WarningDays: 7}, StuckAfter: 24 * time.Hour, Location: shanghai}
	statuses := []string{"RUNNING", "RUNNING", "RUNNING", "FAILED", "CREATING", "DELETED", "DELETING", "ODD"}
	for round := range 60 {
		var fleets [2][]emulator.Node
		for i := range 40 {
			n := emulator.Node{NodeId: fmt.Sprintf("cpn-%02d", i), RegionId: []string{"cn-hangzhou", "cn-shanghai", "us-east-1"}[random.IntN(3)]}
			for at := range fleets { // each has its own idea of it, of another time
				n.Status = statuses[random.IntN(len(statuses))]
				n.GmtCreate = emulator.Time(now.AddDate(0, 0, -60))
				n.GmtModified = emulator.Time(now.Add(-time.Duration(i*10+at*(1+random.IntN(2))-at*random.IntN(4)) * time.Second))
				n.GmtExpired = emulator.Time(now.AddDate(0, 0, random.IntN(80)-5))
				if random.IntN(4) > 0 {
					fleets[at] = append(fleets[at], n)
				}
			}
		}
		whole := []http.Handler{&emulator.Cloud{Nodes: fleets[0], PageSize: 7}, &emulator.Cloud{Nodes: fleets[1], PageSize: 5}}
		if round%3 == 0 {
			whole = whole[:1]
		}
		s := overTCP(t, whole...)
		all := s.List(t.Context(), nil, nil)
		some := s.List(t.Context(), nil, func(m *report.Matrix) report.Fate { return rules.Fate(m, now) })
		if len(some.Matrices) >= len(all.Matrices) || some.Others == 0 {
			t.Fatalf("of %d matrices %d were kept", len(all.Matrices), len(some.Matrices))
		}
		want, err := json.MarshalIndent(rules.Summarise(all, now), "", " ")
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.MarshalIndent(rules.Summarise(some, now), "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("round %d: got\n%s\nwant\n%s", round, got, want)
		}
	}
}

// The next page is asked for when its token is known, not when the rows behind
// the token have been read.
func TestTheNextPageIsAskedForAhead(t *testing.T) {
	nodes := someNodes()[:1]
	asked := make(chan struct{})
	var once sync.Once
	page := func(w http.ResponseWriter, token string, i int) {
		row := nodes[0]
		row.NodeId = fmt.Sprint("cpn-", i)
		b, _ := json.Marshal(row)
		fmt.Fprintf(w, `{"TotalCount":2%s,"NodeModel":[%s]}`, token, b)
	}
	s := overTCP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("x-acs-action") == "DescribeRegions":
			fmt.Fprint(w, `{"RegionModels":[]}`)
		case r.URL.Query().Get("NextToken") == "second":
			once.Do(func() { close(asked) })
			page(w, "", 2)
		case r.URL.Query().Get("BizRegionId") == "cn-hangzhou":
			page(w, `,"NextToken":"second"`, 1)
		default:
			page(w, "", 1)
		}
	}))
	kept := 0
	l := s.List(t.Context(), []string{"cn-hangzhou"}, func(*report.Matrix) report.Fate {
		if kept++; kept == 1 { // a row of the first page, which is still being read
			select {
			case <-asked:
			case <-time.After(10 * time.Second):
				t.Error("the second page was not asked for before the first was done with")
			}
		}
		return report.Keep
	})
	wantRows(t, l, []string{"cpn-1", "cpn-2"}, 2)
}
