package inventory_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	fakecloud "matrix-expiry-report/internal/emulator/cloud"
)

func TestListMergesEndpoints(t *testing.T) {
	all := someNodes()
	denies := &fakecloud.Server{Faults: []fakecloud.Fault{{Respond: fakecloud.APIError(403, "Forbidden.RAM", "no")}}}
	refuses := func() *fakecloud.Server {
		return &fakecloud.Server{Keys: map[string]fakecloud.Key{"another account": {}}}
	}
	knows := func(nodes []fakecloud.Node, faults ...fakecloud.Fault) *fakecloud.Server {
		return &fakecloud.Server{Nodes: nodes, PageSize: 2, Faults: faults}
	}
	gone := fakecloud.Fault{Region: "cn-hangzhou", Page: 2, Respond: fakecloud.APIError(403, "Forbidden", "No.")}
	goneHere := fakecloud.Fault{Region: "-", Page: 2, Respond: fakecloud.APIError(403, "Forbidden", "No.")}
	for _, tt := range []struct {
		name      string
		endpoints []http.Handler
		ids       []string
		total     int
		problems  []string
	}{
		{"the same matrices at both", []http.Handler{knows(all), knows(all)}, idsOf(all), 9, nil},
		{"different matrices", []http.Handler{knows(all[:4]), knows(all[4:])}, idsOf(all), 9, nil},
		{"one shows less", []http.Handler{knows(all), knows(all[:4])}, idsOf(all), 9, nil},
		{"one is empty", []http.Handler{knows(all), knows(nil)}, idsOf(all), 9, nil},
		{"the first refuses", []http.Handler{refuses(), knows(all)}, idsOf(all), 9, []string{"- InvalidAccessKeyId.NotFound"}},
		{"the second refuses", []http.Handler{knows(all), refuses()}, idsOf(all), 9, []string{"- InvalidAccessKeyId.NotFound"}},
		{"one knows an account without matrices", []http.Handler{knows(nil), refuses()}, nil, 0, []string{"- InvalidAccessKeyId.NotFound"}},
		{"one denies, the other has none", []http.Handler{denies, knows(nil)}, nil, 0, []string{"- Forbidden.RAM may hide"}},
		{"both refuse", []http.Handler{refuses(), refuses()}, nil, 0, []string{"- InvalidAccessKeyId.NotFound may hide", "- InvalidAccessKeyId.NotFound may hide"}},
		{"both are empty", []http.Handler{knows(nil), knows(nil)}, nil, 0, nil},
		{"one is down", []http.Handler{knows(all), knows(all, fakecloud.Fault{})}, idsOf(all), 9, []string{"- ServiceUnavailable may hide"}},
		{
			"the same matrices, all of one and some of the other", []http.Handler{knows(all), knows(all, gone, goneHere)}, idsOf(all), 12,
			[]string{"cn-hangzhou Forbidden may hide", "- Forbidden may hide"},
		},
		{
			"the same matrices, some of each", []http.Handler{knows(all, gone, goneHere), knows(all, gone, goneHere)},
			slices.DeleteFunc(idsOf(all), func(id string) bool { return slices.Contains([]string{"cpn-04", "cpn-06", "cpn-08"}, id) }), 9,
			[]string{"cn-hangzhou Forbidden may hide", "- Forbidden may hide", "cn-hangzhou Forbidden may hide", "- Forbidden may hide"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := list(t, t.Context(), overPipes(t, tt.endpoints...))
				wantRows(t, l, tt.ids, tt.total)
				wantProblems(t, l, tt.problems...)
				for _, p := range l.Problems {
					if p.Code == "InvalidAccessKeyId.NotFound" && !strings.HasPrefix(p.Message, "the endpoint does not know the access key: check the function's role") {
						t.Errorf("got the message %q, want what the code means", p.Message)
					}
				}
			})
		})
	}
}
