package inventory_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"matrix-expiry-report/internal/cloudphone"
	fakecloud "matrix-expiry-report/internal/emulator/cloud"
	"matrix-expiry-report/report"
)

func TestListEveryMatrixOnce(t *testing.T) {
	fleet := fakecloud.Fleet(time.Now())
	for _, pageSize := range []int{0, 9, 1} {
		t.Run(fmt.Sprintf("pages of %d", pageSize), func(t *testing.T) {
			s := overTCP(t, &fakecloud.Server{Nodes: fleet, PageSize: pageSize})
			l := s.List(t.Context(), nil)
			wantRows(t, l, idsOf(fleet), 131)
			wantProblems(t, l)
			if want := []string{"ap-southeast-1", "cn-hangzhou", "cn-shanghai", "eu-central-1"}; !slices.Equal(l.Regions, want) {
				t.Errorf("got regions %v, want %v", l.Regions, want)
			}
		})
	}
}

func TestListFields(t *testing.T) {
	n := someNodes()[0]
	n.ServerType, n.InstanceType = "cpm.gx7.10xlarge", "ac.max"
	n.BizTags = []fakecloud.Tag{{Key: "owner", Value: "older field"}, {Key: "env", Value: "prod"}}
	l := overTCP(t, &fakecloud.Server{Nodes: []fakecloud.Node{n}}).List(t.Context(), nil)
	if len(l.Matrices) != 1 {
		t.Fatalf("got %d matrices, want 1: %+v", len(l.Matrices), l.Problems)
	}
	at := func(s string) report.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04:05", s, shanghai)
		if err != nil {
			t.Fatal(err)
		}
		return report.Time{Time: v}
	}
	want := report.Matrix{
		NodeID: "cpn-00", Name: "matrix 0", Region: "cn-hangzhou", Status: "RUNNING",
		CreatedAt: at("2025-11-13 02:03:14"), ModifiedAt: at("2026-02-13 02:03:14"), ExpiresAt: at("2027-03-09 02:00:34"),
		PhoneCount: 25, ServerType: "cpm.gx7.10xlarge", InstanceType: "ac.max",
		Tags: map[string]string{"owner": "team-a", "env": "prod"},
	}
	if got := fmt.Sprintf("%+v", *l.Matrices[0]); got != fmt.Sprintf("%+v", want) {
		t.Errorf("got  %s\nwant %+v", got, want)
	}
}

func TestListCredentials(t *testing.T) {
	cloud := func() *fakecloud.Server {
		return &fakecloud.Server{Nodes: someNodes(), Keys: map[string]fakecloud.Key{
			"LTAI5tLongLived": {Secret: "long"},
			"STS.Temporary":   {Secret: "short", SecurityToken: "tok/en+=="},
		}}
	}
	for _, tt := range []struct {
		name string
		c    cloudphone.Credentials
		code string // "" where all is read
	}{
		{"a key", cloudphone.Credentials{AccessKeyID: "LTAI5tLongLived", AccessKeySecret: "long"}, ""},
		{"a temporary key", cloudphone.Credentials{AccessKeyID: "STS.Temporary", AccessKeySecret: "short", SecurityToken: "tok/en+=="}, ""},
		{"an unknown key", cloudphone.Credentials{AccessKeyID: "LTAI5tOther", AccessKeySecret: "long"}, "InvalidAccessKeyId.NotFound"},
		{"a wrong secret", cloudphone.Credentials{AccessKeyID: "LTAI5tLongLived", AccessKeySecret: "wrong"}, "SignatureDoesNotMatch"},
		{"a temporary key without its token", cloudphone.Credentials{AccessKeyID: "STS.Temporary", AccessKeySecret: "short"}, "MissingSecurityToken"},
		{"a wrong token", cloudphone.Credentials{AccessKeyID: "STS.Temporary", AccessKeySecret: "short", SecurityToken: "other"}, "InvalidSecurityToken.Malformed"},
		{"a token with a lasting key", cloudphone.Credentials{AccessKeyID: "LTAI5tLongLived", AccessKeySecret: "long", SecurityToken: "other"}, "InvalidSecurityToken.MismatchWithAccessKey"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := cloud()
			s := overTCP(t, c)
			s.API.Credentials = func(context.Context) (cloudphone.Credentials, error) { return tt.c, nil }
			l := s.List(t.Context(), nil)
			if tt.code == "" {
				wantRows(t, l, idsOf(someNodes()), 9)
				wantProblems(t, l)
				return
			}
			wantRows(t, l, nil, 0)
			wantProblems(t, l, "- "+tt.code+" may hide")
			if n := len(c.Calls()); n > 7 {
				t.Errorf("got %d calls with a key that is refused, want no repetition", n)
			}
		})
	}
}

func TestListWithoutCredentials(t *testing.T) {
	cloud := &fakecloud.Server{Nodes: someNodes()}
	s := overTCP(t, cloud)
	s.API.Credentials = func(context.Context) (cloudphone.Credentials, error) {
		return cloudphone.Credentials{}, fmt.Errorf("no access key")
	}
	l := s.List(t.Context(), nil)
	if len(l.Problems) != 1 || l.Problems[0].Code != "NoCredentials" || !l.Problems[0].MayHideMatrices || l.Problems[0].Message != "no access key" {
		t.Errorf("got %+v, want NoCredentials that may hide", l.Problems)
	}
	if n := len(cloud.Calls()); n != 0 {
		t.Errorf("got %d calls, want none", n)
	}
}

func TestListRequestsNamedRegionsOnly(t *testing.T) {
	cloud := &fakecloud.Server{Nodes: someNodes()}
	l := overTCP(t, cloud).List(t.Context(), []string{"cn-shanghai", "ap-southeast-1"})
	wantRows(t, l, []string{"cpn-01", "cpn-02", "cpn-05", "cpn-07"}, 4)
	wantProblems(t, l)
	for _, c := range cloud.Calls() {
		if c.Region != "cn-shanghai" && c.Region != "ap-southeast-1" {
			t.Errorf("got the call %+v, want only the given regions", c)
		}
	}
}

func TestListFindsUndocumentedRegions(t *testing.T) {
	nodes := someNodes()
	for i := range nodes {
		if i%2 == 0 {
			nodes[i].RegionId = "us-east-1"
		}
	}
	for _, tt := range []struct {
		name  string
		cloud *fakecloud.Server
		asked bool // by its name
	}{
		{"named by DescribeRegions", &fakecloud.Server{Nodes: nodes, PageSize: 2, Regions: []string{"cn-shanghai", "us-east-1"}}, true},
		{"betrayed by the unfiltered total", &fakecloud.Server{Nodes: nodes, PageSize: 2}, false},
		{"on the first unfiltered page", &fakecloud.Server{Nodes: nodes}, false},
		{"though DescribeRegions fails", &fakecloud.Server{Nodes: nodes, PageSize: 2, Faults: []fakecloud.Fault{
			{Action: "DescribeRegions", Respond: fakecloud.APIError(403, "Forbidden", "You are not on the whitelist.")},
		}}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := overTCP(t, tt.cloud).List(t.Context(), nil)
			wantRows(t, l, idsOf(nodes), 9)
			if len(tt.cloud.Faults) > 0 {
				wantRecovered(t, l, "- Forbidden")
				if len(l.Recovered) > 0 && !strings.HasPrefix(l.Recovered[0].Message, "the list of regions could not be read: ") {
					t.Errorf("got the message %q, want it to name the list of regions", l.Recovered[0].Message)
				}
			}
			wantProblems(t, l)
			if !slices.Contains(l.Regions, "us-east-1") {
				t.Errorf("got regions %v, want us-east-1 among them", l.Regions)
			}
			if got := asked(tt.cloud.Calls(), "us-east-1", 0) > 0; got != tt.asked {
				t.Errorf("us-east-1 asked by name: got %v, want %v", got, tt.asked)
			}
		})
	}
}

// Nobody could verify that a query without a region crosses regions.
func TestListIfUnfilteredQueryCoversOneRegion(t *testing.T) {
	t.Run("hides nothing", func(t *testing.T) {
		l := overTCP(t, &fakecloud.Server{Nodes: someNodes(), OneRegion: "cn-shanghai", PageSize: 2}).List(t.Context(), nil)
		wantRows(t, l, idsOf(someNodes()), 9)
		wantProblems(t, l)
	})
	t.Run("proves nothing where a region fails", func(t *testing.T) {
		cloud := &fakecloud.Server{Nodes: someNodes(), OneRegion: "cn-shanghai", PageSize: 2, Faults: []fakecloud.Fault{
			{Region: "cn-hangzhou", Page: 2, Respond: fakecloud.APIError(403, "Forbidden", "No.")},
		}}
		l := overTCP(t, cloud).List(t.Context(), nil)
		wantRows(t, l, []string{"cpn-00", "cpn-01", "cpn-02", "cpn-03", "cpn-05", "cpn-07"}, 9)
		wantProblems(t, l, "cn-hangzhou Forbidden may hide")
	})
	t.Run("reads a region that is not listed to its end", func(t *testing.T) {
		nodes := someNodes()
		for i := range nodes {
			if nodes[i].RegionId == "cn-hangzhou" {
				nodes[i].RegionId = "us-east-1"
			}
		}
		l := overTCP(t, &fakecloud.Server{Nodes: nodes, OneRegion: "us-east-1", PageSize: 2}).List(t.Context(), nil)
		wantRows(t, l, idsOf(nodes), 9)
		wantProblems(t, l)
	})
}

// A service that does not know the filter answers every region with all rows.
func TestListIfServiceIgnoresRegion(t *testing.T) {
	all := &liar{nodes: someNodes(), pageSize: 100}
	l := overTCP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		q.Del("BizRegionId")
		r.URL.RawQuery = q.Encode()
		all.ServeHTTP(w, r)
	})).List(t.Context(), nil)
	wantRows(t, l, idsOf(someNodes()), 9)
	wantProblems(t, l)
}

func TestListKeepsNewestRow(t *testing.T) {
	older, newer := someNodes()[:1], someNodes()[:1]
	newer[0].GmtModified, newer[0].GmtExpired = "2026-05-01 00:00:00", "2028-03-09 02:00:34"
	for _, order := range [][]http.Handler{
		{&fakecloud.Server{Nodes: older}, &fakecloud.Server{Nodes: newer}},
		{&fakecloud.Server{Nodes: newer}, &fakecloud.Server{Nodes: older}},
	} {
		l := overTCP(t, order...).List(t.Context(), nil)
		if len(l.Matrices) != 1 || l.Matrices[0].ExpiresAt.Year() != 2028 {
			t.Errorf("got %+v, want one matrix that expires in 2028", l.Matrices)
		}
	}
}

// Wherever in the reading a matrix comes or goes, the report is complete and
// has every matrix that was there all the time.
func TestListWhileOneMatrixComesOrGoes(t *testing.T) {
	t.Parallel()
	always := someNodes()
	extra := always[0]
	extra.NodeId = "cpn-extra"
	for _, where := range []struct {
		name string
		at   int
	}{{"first", 0}, {"in the middle", 4}, {"last", 9}} {
		with := slices.Insert(slices.Clone(always), where.at, extra)
		for _, tt := range []struct {
			name          string
			before, after []fakecloud.Node
		}{{"created", always, with}, {"released", with, always}} {
			for calls := range 16 {
				t.Run(fmt.Sprintf("%s %s after %d calls", tt.name, where.name, calls), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						before, after := &fakecloud.Server{Nodes: tt.before, PageSize: 2}, &fakecloud.Server{Nodes: tt.after, PageSize: 2}
						var n atomic.Int64
						s := overPipes(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
							if int(n.Add(1)) <= calls {
								before.ServeHTTP(w, r)
							} else {
								after.ServeHTTP(w, r)
							}
						}))
						l := list(t, t.Context(), s)
						wantProblems(t, l)
						ids := listedIDs(l)
						for _, id := range idsOf(always) {
							if !slices.Contains(ids, id) {
								t.Errorf("%s is missing from %v", id, ids)
							}
						}
						if l.Total != len(ids) {
							t.Errorf("got total %d for %d rows, want a complete listing", l.Total, len(ids))
						}
					})
				})
			}
		}
	}
}

// A matrix that goes after its page was read makes another slip onto that
// page, unseen; the total shows it.
func TestListRepeatsIfTotalChanges(t *testing.T) {
	gone := someNodes()[0]
	gone.NodeId = "cpn-gone"
	before := &fakecloud.Server{Nodes: append([]fakecloud.Node{gone}, someNodes()...), PageSize: 2}
	after := &fakecloud.Server{Nodes: someNodes(), PageSize: 2}
	calls := 0
	s := overTCP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if calls++; calls == 1 {
			before.ServeHTTP(w, r)
		} else {
			after.ServeHTTP(w, r)
		}
	}))
	l := s.List(t.Context(), []string{"cn-hangzhou"})
	wantRows(t, l, []string{"cpn-00", "cpn-03", "cpn-04", "cpn-06", "cpn-08"}, 5)
	wantProblems(t, l)
	wantRecovered(t, l, "cn-hangzhou CountChanged")
}

func TestProgress(t *testing.T) {
	var mu sync.Mutex
	last := 0
	s := overTCP(t, &fakecloud.Server{Nodes: someNodes(), PageSize: 2})
	s.Progress = func(listed int) {
		mu.Lock()
		defer mu.Unlock()
		if listed < last {
			t.Errorf("progress went from %d back to %d", last, listed)
		}
		last = listed
	}
	s.List(t.Context(), nil)
	if last != 9 {
		t.Errorf("got %d at the end, want 9", last)
	}
}

func TestListMakesFourRequestsAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := &fakecloud.Server{Nodes: someNodes(), PageSize: 1, Latency: time.Second, Regions: []string{"a-1", "b-1", "c-1", "d-1", "e-1"}}
		var now, most atomic.Int64
		s := overPipes(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n := now.Add(1)
			for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
			}
			defer now.Add(-1)
			cloud.ServeHTTP(w, r)
		}))
		wantRows(t, list(t, t.Context(), s), idsOf(someNodes()), 9)
		if most.Load() != 4 {
			t.Errorf("got up to %d questions at a time, want 4", most.Load())
		}
	})
}

func TestListRevealsNoSecret(t *testing.T) {
	const secret, token = "s3cr3t-0f-the-key", "t0k3n-0f-the-r0le"
	cred := cloudphone.Credentials{AccessKeyID: "STS.Temporary", AccessKeySecret: secret, SecurityToken: token}
	known := map[string]fakecloud.Key{"STS.Temporary": {Secret: secret, SecurityToken: token}}
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		said := strings.Join([]string{r.Header.Get("x-acs-security-token"), r.Header.Get("Authorization"), secret}, " ")
		fakecloud.APIError(http.StatusBadRequest, "InvalidParameter", "you sent "+said)(w, r)
	})
	reset := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	for name, h := range map[string]http.Handler{
		"a wrong secret":        &fakecloud.Server{Keys: map[string]fakecloud.Key{"STS.Temporary": {Secret: "other", SecurityToken: token}}},
		"a wrong token":         &fakecloud.Server{Keys: map[string]fakecloud.Key{"STS.Temporary": {Secret: secret, SecurityToken: "other"}}},
		"a service that echoes": echo,
		"200 with an echo": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `{"Code":"Odd","Message":%q}`, r.Header.Get("x-acs-security-token"))
		}),
		"an echo in another place": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(403)
			fmt.Fprintf(w, `{"Code":%[1]q,"RequestId":%[1]q,"AccessDeniedDetail":{"AuthAction":%[1]q}}`, r.Header.Get("x-acs-security-token"))
		}),
		"connection closed": reset,
		"503":               &fakecloud.Server{Keys: known, Faults: []fakecloud.Fault{{}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := overPipes(t, h)
				s.API.Credentials = func(context.Context) (cloudphone.Credentials, error) { return cred, nil }
				l := list(t, t.Context(), s)
				if len(l.Problems) == 0 {
					t.Fatal("got no problem, want one to look at")
				}
				shown := fmt.Sprintf("%+v %#v %+v %+v", l, l, s, *s)
				for _, hidden := range []string{secret, token} {
					if strings.Contains(shown, hidden) {
						t.Errorf("%q is in %s", hidden, shown)
					}
				}
			})
		})
	}
	for _, form := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		shown := fmt.Sprintf(form, cred) + fmt.Sprintf(form, &cred)
		if strings.Contains(shown, secret) || strings.Contains(shown, token) || !strings.Contains(shown, "REDACTED") {
			t.Errorf("%s of credentials shows %s", form, shown)
		}
	}
}

// Go's transport repeats a GET that met a connection which died while the
// instance was frozen, but no POST.
func TestRequestsAreGET(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := &fakecloud.Server{Nodes: someNodes(), PageSize: 2}
		s := overPipes(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet || r.ContentLength != 0 {
				t.Errorf("got a %s with %d bytes, want a GET with parameters only", r.Method, r.ContentLength)
			}
			cloud.ServeHTTP(w, r)
		}))
		wantRows(t, list(t, t.Context(), s), idsOf(someNodes()), 9)
	})
}
