package inventory_test

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"matrix-expiry-report/internal/emulator"
	fakecloud "matrix-expiry-report/internal/emulator/cloud"
)

// pagingFaults is the expected code of each fault of many pages.
var pagingFaults = map[string]string{
	"tokens of 200 kB":                         "ResponseTooLarge",
	"tokens of 8 kB, without end":              "EndlessPages",
	"new rows without end":                     "EndlessPages",
	"new rows without end and without a total": "MemoryLimit",
	"the same rows without end":                "EndlessPages",
	"empty pages without end":                  "EndlessPages",
	"names of 4 kB, without end":               "MemoryLimit",
	"60 tags on each row, without end":         "MemoryLimit",
	"ids of 300 bytes, without end":            "MemoryLimit",
	"rows without an id, without end":          "MemoryLimit",
}

// A list without end stops at a limit, which is a problem, and the listing never
// keeps more than its share of the memory.
func TestListIsBounded(t *testing.T) {
	for _, fault := range emulator.PagingFaultCases() {
		code, ok := pagingFaults[fault.Name]
		if !ok {
			t.Errorf("no expectation for %q", fault.Name)
		}
		t.Run(fault.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := &fakecloud.Server{Faults: []fakecloud.Fault{{Action: "DescribeCloudPhoneNodes", Region: "cn-hangzhou", Respond: fault.Respond}}}
				s := overPipes(t, cloud)
				before := heap()
				began := time.Now()
				l := s.List(t.Context(), []string{"cn-hangzhou"})
				used := heap() - before
				s.API.HTTP.CloseIdleConnections()
				want := "cn-hangzhou " + code + " may hide"
				if fault.Name == "rows without an id, without end" {
					wantProblems(t, l, want, "- RowsWithoutID may hide")
				} else if fault.Name == "ids of 300 bytes, without end" {
					wantProblems(t, l, want, "- UnreadableRows may hide")
				} else {
					wantProblems(t, l, want)
				}
				if limit := int64(128<<20) / 3 * 5 / 4; used > limit { // a map has room to grow
					t.Errorf("the listing keeps %d MiB, want at most %d", used>>20, limit>>20)
				}
				t.Logf("%d rows, %d calls, %d MiB, %v", len(l.Matrices), l.Stats.Calls, used>>20, time.Since(began))
				runtime.KeepAlive(l)
			})
		})
	}
}

// heap returns the size of what is in use.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
