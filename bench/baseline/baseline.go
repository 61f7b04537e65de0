// Package baseline does the least work that finds what a report finds: it lists
// all regions concurrently, reads one unfiltered page for the total, and counts
// the matrices that need attention. It does not retry and does not check the
// responses. Each command of this module supplies its own way to request and
// decode a page.
//
// The package shares no code with the program that it is compared with.
package baseline

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/aliyun/fc-runtime-go-sdk/fc"
	"github.com/aliyun/fc-runtime-go-sdk/fccontext"
)

// Client requests pages, one at a time.
type Client interface {
	// Page calls an action and passes each row of the response to take.
	Page(ctx context.Context, action string, query map[string]string, take func(*Row)) (Page, error)
}

// Page is a response without its rows.
type Page struct {
	Total   int
	Next    string
	Regions []string
}

// Row is one matrix. It is valid only until take returns.
type Row struct {
	ID, Name, Region, Status, ServerType, InstanceType []byte
	Created, Modified, Expired                         []byte
	Phones                                             int
	Tags                                               func() map[string]string
}

// Result is what a run finds: a part of the report's JSON.
type Result struct {
	Total          int            `json:"total"`
	Listed         int            `json:"listed"`
	Counts         map[string]int `json:"counts"`
	PhonesAffected int            `json:"phones_affected"`
	NextExpiry     struct {
		NodeID string `json:"node_id"`
	} `json:"next_expiry"`
}

// HTTP is the client of all baselines that serve. As in the program, a run opens
// its own connections: those of the day before are closed.
var HTTP = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}

// Serve runs a function that responds to every event with the Result of a
// listing. The endpoint is the environment variable EDS_AIC_ENDPOINT.
func Serve(open func(endpoint, id, secret string) (Client, error)) {
	fc.Start(func(ctx context.Context, _ []byte) (json.RawMessage, error) {
		HTTP.CloseIdleConnections()
		f, _ := fccontext.FromContext(ctx)
		found, err := list(ctx, func() (Client, error) {
			return open(os.Getenv("EDS_AIC_ENDPOINT"), f.Credentials.AccessKeyId, f.Credentials.AccessKeySecret)
		}, time.Now())
		if err != nil {
			return nil, err
		}
		return json.Marshal(found.Result)
	})
}

// fullCheck is up to how many matrices the program reads the unfiltered query to
// its end. The baselines make the same calls as the program.
const fullCheck = 1000

// list lists all regions, and checks the sum with the unfiltered query.
func list(ctx context.Context, open func() (Client, error), now time.Time) (*tally, error) {
	c, err := open()
	if err != nil {
		return nil, err
	}
	regions, err := c.Page(ctx, "DescribeRegions", map[string]string{"SaleMode": "Node", "AcceptLanguage": "en"}, nil)
	if err != nil {
		return nil, err
	}
	before, err := newTally(now).scan(ctx, open, "", 1)
	if err != nil {
		return nil, err
	}
	all := newTally(now)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var failed error
	for _, region := range regions.Regions {
		wg.Go(func() {
			t := newTally(now)
			_, err := t.scan(ctx, open, region, 100)
			mu.Lock()
			defer mu.Unlock()
			failed = cmp.Or(failed, err)
			all.add(t)
		})
	}
	wg.Wait()
	size := 1
	if before <= fullCheck {
		size = 100
	}
	after, err := newTally(now).scan(ctx, open, "", size)
	all.Total = min(before, after)
	return all, cmp.Or(failed, err)
}

// scan reads all pages of a region, or the total if the page size is 1, and
// returns the total.
func (t *tally) scan(ctx context.Context, open func() (Client, error), region string, size int) (total int, err error) {
	c, err := open()
	if err != nil {
		return 0, err
	}
	query := map[string]string{"MaxResults": strconv.Itoa(size)}
	if region != "" {
		query["BizRegionId"] = region
	}
	for {
		p, err := c.Page(ctx, "DescribeCloudPhoneNodes", query, t.take)
		if err != nil || p.Next == "" || size == 1 {
			return p.Total, err
		}
		query["NextToken"] = p.Next
	}
}

// tally counts matrices and collects those that need attention. Its times are
// in Beijing's zone: now and next in seconds, today in days since 1970.
type tally struct {
	Result
	found            []finding
	now, today, next int64
}

type finding struct {
	id, name, region, status, serverType, instanceType, reason string
	expires, created, modified                                 int64
	phones                                                     int
	tags                                                       map[string]string
}

const (
	day        = 24 * 60 * 60
	outlook    = 30
	stuckAfter = day
)

func newTally(now time.Time) *tally {
	seconds := now.Unix() + 8*60*60
	return &tally{Result: Result{Counts: map[string]int{}}, now: seconds, today: seconds / day}
}

// add adds another tally.
func (t *tally) add(other *tally) {
	t.Listed += other.Listed
	t.PhonesAffected += other.PhonesAffected
	for reason, n := range other.Counts {
		t.Counts[reason] += n
	}
	t.found = append(t.found, other.found...)
	if other.next != 0 {
		t.setNext(other.next, other.NextExpiry.NodeID)
	}
}

// take counts one row.
func (t *tally) take(r *Row) {
	t.Listed++
	expires, created, modified := seconds(r.Expired), seconds(r.Created), seconds(r.Modified)
	reason := ""
	switch status := string(r.Status); {
	case status == "DELETED":
		t.Counts["deleted"]++
		return
	case status == "DELETING":
		if t.now-modified <= stuckAfter {
			return
		}
		reason = "stuck"
	case status == "FAILED":
		reason = "failed"
	case expires != 0 && expires <= t.now:
		reason = "expired"
	case expires != 0 && expires/day-t.today <= outlook:
		reason = "expiring"
	case (status == "CREATING" || status == "NODE_READY") && created != 0 && t.now-created > stuckAfter:
		reason = "stuck"
	case expires == 0 && status != "CREATING":
		reason = "no_expiry"
	case status != "CREATING" && status != "NODE_READY" && status != "RUNNING":
		reason = "unknown_status"
	case expires == 0:
		return
	default:
		if t.next == 0 || expires <= t.next {
			t.setNext(expires, string(r.ID))
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

// setNext sets the next expiry if it is earlier than the one so far.
func (t *tally) setNext(expires int64, id string) {
	if t.next == 0 || expires < t.next || expires == t.next && id < t.NextExpiry.NodeID {
		t.next, t.NextExpiry.NodeID = expires, id
	}
}

// seconds parses "2006-01-02 15:04:05". It returns 0 for an absent time.
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
