// Package cloud emulates the Alibaba Cloud Phone API (eds-aic 2023-09-30) and
// the one action of STS that the program calls. [Server] is an http.Handler in
// memory, as strict as the vendor's documentation: a request that the real
// service would refuse is refused here, in the same form and with the reason.
// The official clients can use it unchanged.
//
// Where the documentation is silent, or the service may be more lenient:
//   - a parameter that neither the action nor the gateway documents is refused;
//   - responses are always JSON. The service's default is XML for the older
//     signature, so a client that sends no Format would get that from it;
//   - a temporary key needs its token, a nonce can be used once, and the clock
//     may be off by 15 minutes.
//
// To add
//   - an action: a file like describeregions.go and a row in actions;
//   - a field or a filter of a matrix: node.go and describenodes.go;
//   - a fault: nothing here; a test sets Server.Faults.
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

// The versions of eds-aic and of STS. Each has only this one.
const apiVersion, stsVersion = "2023-09-30", "2015-04-01"

// maxRequestBytes is the largest request body that is read.
const maxRequestBytes = 1 << 20

// Server emulates the Cloud Phone API. The zero value has no matrices and knows
// one access key, "emulator" with the secret "emulator-secret".
// Set the fields before use; while it serves, Release changes the matrices.
type Server struct {
	Nodes []Node

	// Keys maps access key ids to keys.
	// Nil means {"emulator": {Secret: "emulator-secret"}}.
	Keys map[string]Key

	// Regions are the regions that DescribeRegions lists. Nil means the four
	// documented ones.
	Regions []string

	// PageSize limits the rows of a page below the requested MaxResults, as the
	// service may. 0 means no limit but the documented one of 100.
	PageSize int

	// OneRegion, if set, restricts a query without BizRegionId to this region.
	// The documentation does not say that such a query covers all regions.
	OneRegion string

	// Now is the service's clock. Nil means time.Now.
	Now func() time.Time

	// Faults are matched in order, before the request is checked in any way.
	Faults []Fault

	// Latency is how long the server waits before each response. It stops
	// waiting if the client cancels the request.
	Latency time.Duration

	mu     sync.Mutex // guards Nodes while serving, and the fields below
	calls  []Call
	hits   map[int]int                     // how often each fault was served, by index in Faults
	nonces map[string]map[string]time.Time // when each nonce was used, by access key id
}

// Release removes the matrix with this id, as the service does at the end of a
// subscription. It may be called while the server serves.
func (c *Server) Release(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Nodes = slices.DeleteFunc(slices.Clone(c.Nodes), func(n Node) bool { return n.NodeId == id })
}

// Key is the secret of an access key id. A key with a SecurityToken is
// temporary: its requests must carry that token and sign it.
type Key struct{ Secret, SecurityToken string }

// Call records one request, whether or not it succeeded.
type Call struct {
	Action string
	Region string // BizRegionId
	Page   int    // 1-based; 0 if the NextToken is not one of this server's
	Time   time.Time
}

// actions are the actions that the server implements, by name.
var actions = map[string]struct {
	version string
	handle  func(*Server, *call) (any, *apiError)
}{
	"DescribeCloudPhoneNodes": {apiVersion, (*Server).describeNodes},
	"DescribeRegions":         {apiVersion, (*Server).describeRegions},
	"GetCallerIdentity":       {stsVersion, (*Server).getCallerIdentity},
}

// call is one parsed request.
type call struct {
	method  string
	path    string
	host    string
	header  http.Header
	query   url.Values // of the URL only
	body    []byte
	params  url.Values // of the URL and of a form body
	old     bool       // signed in the parameters, see authenticateOld
	action  string
	version string
	id      string // the request id of the response
	now     time.Time
}

// Calls returns the requests received so far, in order of arrival.
func (c *Server) Calls() []Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.calls)
}

// ServeHTTP implements [http.Handler].
func (c *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in, apiErr := readCall(w, r)
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
	if fault := c.fault(in.action, region, page); fault != nil {
		fault(w, withBody(r, in.body))
		return
	}
	if apiErr != nil {
		apiErr.write(w, in)
		return
	}
	out, apiErr := c.do(in)
	if apiErr != nil {
		apiErr.write(w, in)
		return
	}
	writeJSON(w, http.StatusOK, in.id, out)
}

// do checks the request in the order of the service's gateway: method, action,
// version, format, signature, parameters. It returns the body of the response.
func (c *Server) do(in *call) (any, *apiError) {
	if in.method != http.MethodGet && in.method != http.MethodPost {
		return nil, refuse(http.StatusMethodNotAllowed, "UnsupportedHTTPMethod", "This http method %s is not supported: use GET or POST.", in.method)
	}
	if in.path != "/" && in.path != "" {
		return nil, refuse(http.StatusNotFound, "InvalidAction.NotFound", "Specified api is not found: this product is called at the path /, not %s.", in.path)
	}
	for _, p := range []struct{ name, value string }{{"Action", in.action}, {"Version", in.version}} {
		if p.value == "" {
			return nil, refuse(http.StatusBadRequest, "MissingParameter", "The input parameter %q that is mandatory for processing this request is not supplied.", p.name)
		}
	}
	action, ok := actions[in.action]
	if !ok {
		return nil, refuse(http.StatusNotFound, "InvalidAction.NotFound",
			"Specified api is not found, please check your url and method. Action %q; known here: %s.", in.action, strings.Join(slices.Sorted(maps.Keys(actions)), ", "))
	}
	if in.version != action.version {
		return nil, refuse(http.StatusBadRequest, "InvalidVersion", "Specified parameter Version is not valid: %q, want %s.", in.version, action.version)
	}
	if format := in.params.Get("Format"); format != "" && !strings.EqualFold(format, "JSON") {
		return nil, refuse(http.StatusBadRequest, "InvalidParameter.Format", "Format must be JSON, got %q.", format)
	}
	if apiErr := c.authenticate(in); apiErr != nil {
		return nil, apiErr
	}
	return action.handle(c, in)
}

func (c *Server) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

// beijing is the zone in which Alibaba Cloud bills. China has had one offset
// and no daylight saving time since 1991.
var beijing = time.FixedZone("UTC+8", 8*60*60)

// Time formats t as the API does: in Beijing's zone, which the text does not
// name.
func Time(t time.Time) string { return t.In(beijing).Format("2006-01-02 15:04:05") }
