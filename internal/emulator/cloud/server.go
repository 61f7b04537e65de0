// Package emulator stands for the services that the report reads from and
// posts to: [Server] is the Alibaba Cloud Phone API (eds-aic 2023-09-30), and
// [Room] is a set of chat rooms behind webhooks. Both are ordinary
// http.Handlers in memory, ready as their zero value, and as strict as the
// services document themselves to be: a request that the real service would
// turn down is turned down here, in the same form and with the reason.
//
// The package shares no code with the program that it checks, so that a
// mistake in one cannot be repeated in the other.
//
// To add
//   - an action of the API: a file like describeregions.go and a line in actions;
//   - a column or a filter of the matrices: node.go and describenodes.go;
//   - a fault: nothing here, a test puts a [Fault] (or an http.HandlerFunc
//     into Room.Faults) where it needs one;
//   - a chat service: a file like wecom.go and a line in services (room.go).
package cloud

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// The only version of eds-aic there is, and that of STS.
const apiVersion, stsVersion = "2023-09-30", "2015-04-01"

// maxRequestBytes bounds what is read of any request.
const maxRequestBytes = 1 << 20

// Server emulates the Cloud Phone API. The zero value has no matrices and knows
// one access key, "emulator" with the secret "emulator-secret".
// Set the fields before use.
type Server struct {
	Nodes []Node

	// Keys holds what each access key id signs with.
	// Nil: {"emulator": {Secret: "emulator-secret"}}.
	Keys map[string]Key

	// Regions is what DescribeRegions lists. Nil: the four documented ones.
	Regions []string

	// PageSize caps a page below what was asked for, as the service is free to.
	// 0: only the service's own cap of 100.
	PageSize int

	// OneRegion, if set, is all that a query without BizRegionId sees. That the
	// unfiltered query crosses regions is documented nowhere.
	OneRegion string

	// Now is the service's clock. Nil: time.Now.
	Now func() time.Time

	// Faults are tried in order before anything else, the signature included.
	Faults []Fault

	// Latency passes before each answer, unless the caller gives up first.
	Latency time.Duration

	mu     sync.Mutex
	calls  []Call
	struck map[int]int                     // by index of Faults
	nonces map[string]map[string]time.Time // by access key id: when each nonce was used
}

// Key is what an access key id signs with. One with a SecurityToken is a
// temporary key: its requests must carry that token, signed.
type Key struct{ Secret, SecurityToken string }

// Call is one request as it came in, whether or not it was answered well.
type Call struct {
	Action string
	Region string // BizRegionId
	Page   int    // 1-based; 0 where the token was not of this service's making
	Time   time.Time
}

// actions are what the emulator can do, by name.
var actions = map[string]struct {
	version string
	act     func(*Server, *call) (any, *apiError)
}{
	"DescribeCloudPhoneNodes": {apiVersion, (*Server).describeNodes},
	"DescribeRegions":         {apiVersion, (*Server).describeRegions},
	"GetCallerIdentity":       {stsVersion, (*Server).getCallerIdentity},
}

// call is one request, taken apart.
type call struct {
	method  string
	path    string
	host    string
	header  http.Header
	query   url.Values // of the URL alone
	body    []byte
	params  url.Values // of the URL and of a form body
	old     bool       // signed the older way, within params
	action  string
	version string
	id      string // the request id of the answer
	now     time.Time
}

// Calls lists what was asked so far, in order of arrival.
func (c *Server) Calls() []Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.calls)
}

func (c *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in, bad := readCall(w, r)
	in.now = c.now()
	page := 1
	if t := in.params.Get("NextToken"); t != "" {
		cursor, _ := openToken(t)
		page = cursor.page
	}
	region := in.params.Get("BizRegionId")

	c.mu.Lock()
	c.calls = append(c.calls, Call{Action: in.action, Region: region, Page: page, Time: in.now})
	c.mu.Unlock()

	if c.Latency > 0 {
		timer := time.NewTimer(c.Latency)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return
		}
	}
	if answer := c.fault(in.action, region, page); answer != nil {
		answer(w, withBody(r, in.body))
		return
	}
	if bad != nil {
		bad.write(w, in)
		return
	}
	out, bad := c.do(in)
	if bad != nil {
		bad.write(w, in)
		return
	}
	writeJSON(w, http.StatusOK, in.id, out)
}

// do checks the request in the order of the service's gateway: what is called,
// by whom, with which parameters.
func (c *Server) do(in *call) (any, *apiError) {
	if in.method != http.MethodGet && in.method != http.MethodPost {
		return nil, refuse(http.StatusMethodNotAllowed, "UnsupportedHTTPMethod", "This http method %s is not supported: use GET or POST.", in.method)
	}
	if in.path != "/" && in.path != "" {
		return nil, refuse(http.StatusNotFound, "InvalidAction.NotFound", "Specified api is not found: this product is called at the path /, not %s.", in.path)
	}
	action, ok := actions[in.action]
	if !ok {
		return nil, refuse(http.StatusNotFound, "InvalidAction.NotFound",
			"Specified api is not found, please check your url and method. Action %q; known here: %s.", in.action, strings.Join(slices.Sorted(maps.Keys(actions)), ", "))
	}
	if in.version != action.version {
		return nil, refuse(http.StatusBadRequest, "InvalidVersion", "Specified parameter Version is not valid: %q, want %s.", in.version, action.version)
	}
	if bad := c.authenticate(in); bad != nil {
		return nil, bad
	}
	return action.act(c, in)
}

func (c *Server) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

// beijing is the zone in which Alibaba Cloud bills. China has kept one offset
// without summer time since 1991.
var beijing = time.FixedZone("UTC+8", 8*60*60)

// Time writes t as the API writes times: without a zone, which is taken to be
// Beijing's.
func Time(t time.Time) string { return t.In(beijing).Format("2006-01-02 15:04:05") }
