package handler_test

import (
	"context"
	"encoding/json"
	"mime"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"matrix-expiry-report/report"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// formats lists every format with its path, its media type, a value of Accept
// that selects it, and a text in its report of the demo fleet.
var formats = []struct{ name, path, media, accept, text string }{
	{"json", "/report.json", "application/json", "application/json", `"listed":131`},
	{"html", "/report.html", "text/html", "text/html", "23 of 131 matrices need "},
	{"txt", "/report.txt", "text/plain", "text/plain", "23 of 131 matrices need attention"},
	{"csv", "/report.csv", "text/csv", "text/csv", "severity,reason,"},
	{"md", "/report.md", "text/markdown", "text/markdown", "| cpn-"},
	{"ics", "/calendar.ics", "text/calendar", "text/calendar", "BEGIN:VEVENT"},
	{"metrics", "/metrics", "text/plain", "", "matrix_listed 131"},
}

// TestEveryFormatIsTested compares formats with those of the handler.
func TestEveryFormatIsTested(t *testing.T) {
	_, names, _ := strings.Cut(setup(t).do("GET", "/report?format=none").Body.String(), "is not one of ")
	names, _, _ = strings.Cut(names, `"`)
	var tested []string
	for _, f := range formats {
		tested = append(tested, f.name)
	}
	if names != strings.Join(tested, ", ") {
		t.Errorf("the handler has the formats %s, tested are %s", names, strings.Join(tested, ", "))
	}
}

// TestFormats requests every format by its path, by parameter, by Accept, with a
// link, with HEAD, with another method and without a token.
func TestFormats(t *testing.T) {
	w := setup(t, withToken...)
	for _, f := range formats {
		t.Run(f.name, func(t *testing.T) {
			responses := map[string]*httptest.ResponseRecorder{
				"path":              w.do("GET", f.path, bearer...),
				"parameter":         w.do("GET", "/report?format="+f.name, bearer...),
				"parameter of root": w.do("GET", "/?format="+f.name, bearer...),
			}
			if f.accept != "" {
				responses["Accept"] = w.do("GET", "/report", append(bearer, "Accept", "image/png, "+f.accept+";q=0.5")...)
			}
			rec := w.do("GET", "/link?format="+f.name+"&days=30", bearer...)
			var link struct{ URL, Format, Until string }
			if err := json.Unmarshal(rec.Body.Bytes(), &link); err != nil || rec.Code != 200 || link.Format != f.name {
				t.Fatalf("GET /link: %d %s", rec.Code, rec.Body)
			}
			responses["link"] = w.do("GET", link.URL)
			for by, rec := range responses {
				media, _, err := mime.ParseMediaType(rec.Header().Get("Content-Type"))
				if rec.Code != 200 || err != nil || media != f.media || !strings.Contains(rec.Body.String(), f.text) {
					t.Errorf("by %s: %d %s %.300s; want %s with %q", by, rec.Code, rec.Header().Get("Content-Type"), rec.Body, f.media, f.text)
				}
				if rec.Header().Get("Cache-Control") != "no-store" || rec.Header().Get("X-Content-Type-Options") != "nosniff" || rec.Header().Get("ETag") != "" ||
					!strings.Contains(rec.Header().Get("Content-Security-Policy"), "default-src 'none'") || strings.Contains(rec.Header().Get("Content-Security-Policy"), "unsafe") || rec.Header().Get("X-Frame-Options") != "DENY" {
					t.Errorf("by %s: headers %v", by, rec.Header())
				}
				if policy := rec.Header().Get("Content-Security-Policy"); strings.Contains(policy, "script-src") != (f.name == "html") {
					t.Errorf("by %s: the policy is %s", by, policy)
				}
				if rec.Header().Get("X-Report-Complete") != "true" {
					t.Errorf("by %s: X-Report-Complete is %q", by, rec.Header().Get("X-Report-Complete"))
				}
			}
			if head := w.do("HEAD", f.path, bearer...); head.Code != 200 || head.Header().Get("Content-Type") != responses["path"].Header().Get("Content-Type") {
				t.Errorf("HEAD: %d %v", head.Code, head.Header())
			}
			if rec := w.do("GET", f.path); rec.Code != 401 || strings.Contains(rec.Body.String(), f.text) {
				t.Errorf("without a token: %d %s", rec.Code, rec.Body)
			}
		})
	}
	if n := len(w.room.Messages()); n != 0 {
		t.Errorf("GET posted %d messages", n)
	}
}

// TestAccept checks which format the header Accept selects.
func TestAccept(t *testing.T) {
	w := setup(t)
	for accept, want := range map[string]string{
		"":                                     "application/json",
		"*/*":                                  "application/json",
		"text/*":                               "text/html",
		"text/csv, text/html;q=0.9":            "text/csv",
		"text/csv;q=0.2, text/html;q=0.9, */*": "application/json",
		"text/csv;q=0, text/plain;q=0.1":       "text/plain",
		"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": "text/html",
		"image/png, ;, text/csv;q=0.5":                                    "text/csv",
		"text":                                                            "",
		"image/png, video/*;q=0.3":                                        "",
		"text/csv;q=0":                                                    "",
	} {
		rec := w.do("GET", "/report", "Accept", accept)
		media, _, _ := strings.Cut(rec.Header().Get("Content-Type"), ";")
		if want == "" {
			if rec.Code != 406 || !strings.Contains(rec.Body.String(), "json, ") || !strings.Contains(rec.Body.String(), `"NotAcceptable"`) {
				t.Errorf("%q: %d %s, want 406 and the formats", accept, rec.Code, rec.Body)
			}
		} else if rec.Code != 200 || media != want {
			t.Errorf("%q: %d %s, want %s", accept, rec.Code, media, want)
		}
	}
}

// TestReportsFollowSchema validates the JSON of reports.
func TestReportsFollowSchema(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("../report/schema.json")
	if err != nil {
		t.Fatal(err)
	}
	w := setup(t)
	for name, rec := range map[string]*httptest.ResponseRecorder{
		"report":      w.do("GET", "/report"),
		"all":         w.do("GET", "/report?all=1"),
		"filtered":    w.do("GET", "/report?severity=notice&reason=stuck"),
		"no findings": w.do("GET", "/report?severity=notice&reason=failed"),
		"notify":      w.do("POST", "/notify"),
	} {
		value, err := jsonschema.UnmarshalJSON(rec.Body)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestJSONIsNotEscapedForHTML checks every kind of JSON response: people copy
// links and names from it.
func TestJSONIsNotEscapedForHTML(t *testing.T) {
	const name = "a&b <c>"
	w := &world{Handler: newHandler(sourceFunc(func(context.Context, []string) report.Listing {
		return report.Listing{
			Matrices: []*report.Matrix{{NodeID: "cpn-1", Name: name, Status: "FAILED"}, {NodeID: "cpn-2", Name: name, Status: "RUNNING", ExpiresAt: report.Time{Time: time.Now().AddDate(1, 0, 0)}}},
			Problems: []report.Problem{{Code: "X", Message: name}},
		}
	}))}
	w.Settings.HTTPToken = testToken
	for _, target := range []string{"/report.json", "/report.json?all=1", "/report?reason=" + url.QueryEscape(name), "/link?region=cn-b&days=7"} {
		body := w.do("GET", target, bearer...).Body.String()
		if strings.Contains(body, `\u00`) || !strings.Contains(body, "&") {
			t.Errorf("%s: %s", target, body)
		}
	}
	if answer := w.invoke(t, `{"post":false}`); !strings.Contains(answer, name) || strings.Contains(answer, `\u00`) {
		t.Errorf("an event: %s", answer)
	}
	if answer := w.invoke(t, `{"`+name+`":1}`); !strings.Contains(answer, name) {
		t.Errorf("an invalid event: %s", answer)
	}
}

// Markdown counts as messages and the page do if it was filtered.
func TestFilteredMarkdown(t *testing.T) {
	w := setup(t)
	for target, want := range map[string]string{
		"/report.md":                           "**23 of 131 matrices need attention**",
		"/report.md?severity=critical":         "**7 of the 23 that need attention, of 131 matrices**",
		"/report.md?severity=critical&lang=zh": "**符合条件 7 台（131 台矩阵中 23 台需处理）**",
		"/report.md?all=1":                     "**23 of 131 matrices need attention**",
	} {
		if got := w.do("GET", target).Body.String(); !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %.120q, want %q", target, got, want)
		}
	}
}
