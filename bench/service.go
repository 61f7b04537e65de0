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

// service is the part of the Cloud Phone API that a listing needs, for any
// number of matrices: it writes each row on request. Unlike the emulator it
// does not verify signatures.
type service struct {
	matrices map[string]int // by region
	latency  time.Duration  // before each response

	rows [][]byte // the different rows, see row

	mu      sync.Mutex
	filters map[string][]int // the matrices of each query so far

	busy, most int // requests in flight, now and at most
}

var regions = []string{"ap-southeast-1", "cn-hangzhou", "cn-shanghai", "eu-central-1"}

// newService returns a service with the given number of matrices in each
// region. Two in a hundred need attention, for four reasons, and one in two
// hundred is deleted.
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

// newUrgentService returns a service whose matrices all need attention.
func newUrgentService(now time.Time, matrices ...int) *service {
	return serve(now, matrices, func(i int, n *fakecloud.Node) {
		n.GmtExpired = fakecloud.Time(now.AddDate(0, 0, i%35-5))
		if i == 0 {
			n.Status = "FAILED"
		}
	})
}

// serve returns a service. kind changes the row of the given number.
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
			panic(err) // a Node always encodes
		}
		s.rows = append(s.rows, row)
	}
	return s
}

// kinds is the number of different rows. They repeat in each region.
const kinds = 200

var serverTypes = []string{"cpm.gx7.10xlarge", "cpm.gx8.16xlarge", "cpm.gn6.gx1"}

const regionMark = "REGIONREGION"

// idOf and nameOf return texts whose length does not depend on i.
func idOf(i int) string   { return fmt.Sprintf("cpn-%013d", i) }
func nameOf(i int) string { return fmt.Sprintf("matrix-%09d", i) }

// row writes the matrix i, which is in the region i modulo the regions.
func (s *service) row(b *bytes.Buffer, i int) {
	row, region := s.rows[i/len(regions)%kinds], regions[i%len(regions)]
	for _, part := range [][2]string{{idOf(0), idOf(i)}, {nameOf(0), nameOf(i)}, {regionMark, region}} {
		before, after, ok := bytes.Cut(row, []byte(part[0]))
		if !ok {
			panic("row without " + part[0])
		}
		b.Write(before)
		b.WriteString(part[1])
		row = after
	}
	b.Write(row)
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.addBusy(1)
	defer s.addBusy(-1)
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

// addBusy counts the requests in flight.
func (s *service) addBusy(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy += n
	s.most = max(s.most, s.busy)
}

// page writes a page of DescribeCloudPhoneNodes. Its token is an offset.
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

// find returns the matrices of a query.
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
