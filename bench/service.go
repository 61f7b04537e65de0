package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	fakecloud "matrix-expiry-report/internal/emulator/cloud"
)

// A service is as much of the Cloud Phone API as a listing needs, for any
// number of matrices: a row is made when it is asked for. It believes every
// signature; that those are right is seen with the emulator, which does not.
type service struct {
	matrices map[string]int // by region
	latency  time.Duration  // before each answer

	rows [][]byte // by what sets rows apart, see row

	mu      sync.Mutex
	filters map[string][]int // the matrices of a query, by its filters

	busy, most int
}

var regions = []string{"ap-southeast-1", "cn-hangzhou", "cn-shanghai", "eu-central-1"}

// newService is a service of which two of a hundred matrices need somebody, in
// four ways; one of two hundred is deleted.
func newService(now time.Time, matrices ...int) *service {
	return serve(now, matrices, func(i int, n *fakecloud.Node) {
		n.GmtExpired = fakecloud.Time(now.AddDate(0, 0, 40+i))
		switch i {
		case 1:
			n.Status = "DELETED"
		case 0:
			n.Status = "FAILED"
		case 50:
			n.GmtExpired = fakecloud.Time(now.AddDate(0, 0, -1))
		case 100:
			n.GmtExpired = fakecloud.Time(now.AddDate(0, 0, 2))
		case 150:
			n.GmtExpired = fakecloud.Time(now.AddDate(0, 0, 20))
		}
	})
}

// newNeedy is a service of which every matrix needs somebody.
func newNeedy(now time.Time, matrices ...int) *service {
	return serve(now, matrices, func(i int, n *fakecloud.Node) {
		n.GmtExpired = fakecloud.Time(now.AddDate(0, 0, i%35-5))
		if i == 0 {
			n.Status = "FAILED"
		}
	})
}

func serve(now time.Time, matrices []int, kind func(i int, n *fakecloud.Node)) *service {
	s := &service{matrices: map[string]int{}, filters: map[string][]int{}}
	for i, region := range regions {
		s.matrices[region] = matrices[i]
	}
	samples := fakecloud.Fleet(now)
	for i := range kinds {
		n := samples[i%len(samples)]
		n.NodeId, n.NodeName, n.RegionId = idOf(0), nameOf(0), regionMark
		n.Status, n.ServerType = "RUNNING", serverTypes[i%len(serverTypes)]
		n.GmtCreate, n.GmtModified = fakecloud.Time(now.AddDate(0, -2, 0)), fakecloud.Time(now.AddDate(0, -1, 0))
		kind(i, &n)
		row, err := json.Marshal(n)
		if err != nil {
			panic(err) // a row of the emulator
		}
		s.rows = append(s.rows, row)
	}
	return s
}

// kinds of rows, one after another in each region.
const kinds = 200

var serverTypes = []string{"cpm.gx7.10xlarge", "cpm.gx8.16xlarge", "cpm.gn6.gx1"}

const regionMark = "REGIONREGION"

func idOf(i int) string   { return fmt.Sprintf("cpn-%013d", i) }
func nameOf(i int) string { return fmt.Sprintf("matrix-%09d", i) }

// row is the matrix i: of the region at the place i modulo regions.
func (s *service) row(b *bytes.Buffer, i int) {
	row, region := s.rows[i/len(regions)%kinds], regions[i%len(regions)]
	for _, part := range [][2]string{{idOf(0), idOf(i)}, {nameOf(0), nameOf(i)}, {regionMark, region}} {
		before, after, ok := bytes.Cut(row, []byte(part[0]))
		if !ok {
			panic("a row without its " + part[0])
		}
		b.Write(before)
		b.WriteString(part[1])
		row = after
	}
	b.Write(row)
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.enter(1)
	defer s.enter(-1)
	time.Sleep(s.latency)
	var b bytes.Buffer
	if r.Header.Get("x-acs-action") == "DescribeRegions" {
		b.WriteString(`{"RequestId":"1","RegionModels":[`)
		for i, region := range regions {
			fmt.Fprintf(&b, `%s{"RegionId":%q}`, map[bool]string{true: ","}[i > 0], region)
		}
		b.WriteString(`]}`)
	} else {
		s.page(&b, r)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	_, _ = w.Write(b.Bytes())
}

func (s *service) enter(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy += n
	s.most = max(s.most, s.busy)
}

func (s *service) page(b *bytes.Buffer, r *http.Request) {
	q := r.URL.Query()
	found := s.find(q.Get("BizRegionId"), q.Get("Status"), q.Get("ServerType"))
	first, _ := strconv.Atoi(q.Get("NextToken"))
	last := min(first+100, len(found))
	b.WriteString(`{"RequestId":"F07A1DA1-E1EB-5CCA-8EED-12F85D320000","NodeModel":[`)
	for k, i := range found[first:last] {
		if k > 0 {
			b.WriteByte(',')
		}
		s.row(b, i)
	}
	fmt.Fprintf(b, `],"TotalCount":%d,"MaxResults":100`, len(found))
	if last < len(found) {
		fmt.Fprintf(b, `,"NextToken":"%d"`, last)
	}
	b.WriteByte('}')
}

// find gives the matrices of a query.
func (s *service) find(region, status, serverType string) []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := region + " " + status + " " + serverType
	if found, ok := s.filters[key]; ok {
		return found
	}
	found := []int{}
	for place, name := range regions {
		if region != "" && region != name {
			continue
		}
		for i := range s.matrices[name] {
			if (status == "" || bytes.Contains(s.rows[i%kinds], []byte(`"Status":"`+status+`"`))) &&
				(serverType == "" || bytes.Contains(s.rows[i%kinds], []byte(`"ServerType":"`+serverType+`"`))) {
				found = append(found, i*len(regions)+place)
			}
		}
	}
	s.filters[key] = found
	return found
}
