// Package floor is the least that a program can do which answers what a run of
// the report answers: it lists every region side by side and one unfiltered
// page beside them, counts what needs somebody, and that is all. It tries
// nothing twice, checks nothing and takes the service at its word. How a page
// is asked for and decoded is each floor's own.
//
// It shares no code with the program that it is compared with.
package floor

import (
	"cmp"
	"context"
	"encoding/json"
	"os"
	"sync"
	"time"

	"github.com/aliyun/fc-runtime-go-sdk/fc"
	"github.com/aliyun/fc-runtime-go-sdk/fccontext"
)

// A Client asks one question at a time.
type Client interface {
	// Page asks an action and hands each of its rows to take.
	Page(ctx context.Context, action string, query map[string]string, take func(*Row)) (Page, error)
}

// A Page is what an answer has besides its rows.
type Page struct {
	Total   int
	Next    string
	Regions []string
}

// A Row is one matrix; its texts are read no later than take returns.
type Row struct {
	ID, Name, Region, Status, ServerType, InstanceType []byte
	Created, Modified, Expired                         []byte
	Phones                                             int
	Tags                                               func() map[string]string
}

// An Answer is what a run has found.
type Answer struct {
	Total          int            `json:"total"`
	Listed         int            `json:"listed"`
	Counts         map[string]int `json:"counts"`
	PhonesAffected int            `json:"phones_affected"`
	NextExpiry     struct {
		NodeID string `json:"node_id"`
	} `json:"next_expiry"`
}

// Serve answers every event of Function Compute with what a run has found. It
// asks the endpoint of EDS_AIC_ENDPOINT.
func Serve(open func(endpoint, id, secret string) (Client, error)) {
	fc.Start(func(ctx context.Context, _ []byte) (json.RawMessage, error) {
		f, _ := fccontext.FromContext(ctx)
		found, err := list(ctx, func() (Client, error) {
			return open(os.Getenv("EDS_AIC_ENDPOINT"), f.Credentials.AccessKeyId, f.Credentials.AccessKeySecret)
		}, time.Now())
		if err != nil {
			return nil, err
		}
		return json.Marshal(found.Answer)
	})
}

func list(ctx context.Context, open func() (Client, error), now time.Time) (*tally, error) {
	c, err := open()
	if err != nil {
		return nil, err
	}
	regions, err := c.Page(ctx, "DescribeRegions", map[string]string{"SaleMode": "Node", "AcceptLanguage": "en"}, nil)
	if err != nil {
		return nil, err
	}
	all := newTally(now)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var failed error
	chain := func(region string) {
		wg.Go(func() {
			mine := newTally(now)
			unfiltered, err := mine.chain(ctx, open, region)
			mu.Lock()
			defer mu.Unlock()
			failed = cmp.Or(failed, err)
			if region == "" {
				all.Total = unfiltered
			} else {
				all.add(mine)
			}
		})
	}
	chain("")
	for _, region := range regions.Regions {
		chain(region)
	}
	wg.Wait()
	return all, failed
}

// chain follows one region's pages; of the unfiltered ones it takes the first.
func (t *tally) chain(ctx context.Context, open func() (Client, error), region string) (total int, err error) {
	c, err := open()
	if err != nil {
		return 0, err
	}
	query := map[string]string{"MaxResults": "100"}
	if region != "" {
		query["BizRegionId"] = region
	}
	for {
		p, err := c.Page(ctx, "DescribeCloudPhoneNodes", query, t.take)
		if err != nil || p.Next == "" || region == "" {
			return p.Total, err
		}
		query["NextToken"] = p.Next
	}
}

// A tally counts; what needs somebody is kept.
type tally struct {
	Answer
	found            []finding
	now, today, next int64 // seconds and days since 1970, of Beijing
}

type finding struct {
	id, name, region, status, serverType, instanceType, reason string
	expires, created, modified                                 int64
	phones                                                     int
	tags                                                       map[string]string
}

const (
	day      = 24 * 60 * 60
	outlook  = 30
	patience = day
)

func newTally(now time.Time) *tally {
	seconds := now.Unix() + 8*60*60
	return &tally{Answer: Answer{Counts: map[string]int{}}, now: seconds, today: seconds / day}
}

func (t *tally) add(other *tally) {
	t.Listed += other.Listed
	t.PhonesAffected += other.PhonesAffected
	for reason, n := range other.Counts {
		t.Counts[reason] += n
	}
	t.found = append(t.found, other.found...)
	if other.next != 0 {
		t.later(other.next, other.NextExpiry.NodeID)
	}
}

func (t *tally) take(r *Row) {
	t.Listed++
	expires, created, modified := seconds(r.Expired), seconds(r.Created), seconds(r.Modified)
	reason := ""
	switch status := string(r.Status); {
	case status == "DELETED":
		t.Counts["deleted"]++
		return
	case status == "DELETING":
		if t.now-modified <= patience {
			return
		}
		reason = "stuck"
	case status == "FAILED":
		reason = "failed"
	case expires != 0 && expires <= t.now:
		reason = "expired"
	case expires != 0 && expires/day-t.today <= outlook:
		reason = "expiring"
	case (status == "CREATING" || status == "NODE_READY") && created != 0 && t.now-created > patience:
		reason = "stuck"
	case expires == 0 && status != "CREATING":
		reason = "no_expiry"
	case status != "CREATING" && status != "NODE_READY" && status != "RUNNING":
		reason = "unknown_status"
	case expires == 0:
		return
	default:
		if t.next == 0 || expires <= t.next {
			t.later(expires, string(r.ID))
		}
		return
	}
	t.Counts[reason]++
	t.PhonesAffected += r.Phones
	t.found = append(t.found, finding{
		id: string(r.ID), name: string(r.Name), region: string(r.Region), status: string(r.Status),
		serverType: string(r.ServerType), instanceType: string(r.InstanceType), reason: reason,
		expires: expires, created: created, modified: modified, phones: r.Phones, tags: r.Tags(),
	})
}

func (t *tally) later(expires int64, id string) {
	if t.next == 0 || expires < t.next || expires == t.next && id < t.NextExpiry.NodeID {
		t.next, t.NextExpiry.NodeID = expires, id
	}
}

// seconds reads "2006-01-02 15:04:05"; 0 where there is none.
func seconds(b []byte) int64 {
	if len(b) != len(time.DateTime) {
		return 0
	}
	n := func(from, to int) (n int) {
		for _, c := range b[from:to] {
			n = n*10 + int(c-'0')
		}
		return n
	}
	return time.Date(n(0, 4), time.Month(n(5, 7)), n(8, 10), n(11, 13), n(14, 16), n(17, 19), 0, time.UTC).Unix()
}
