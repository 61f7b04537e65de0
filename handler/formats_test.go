package handler_test

import (
	"encoding/json"
	"mime"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// forms is every format: how it is asked for, and what the demo fleet's has.
var forms = []struct{ name, path, media, accept, says string }{
	{"json", "/report.json", "application/json", "application/json", `"listed":131`},
	{"html", "/report.html", "text/html", "text/html", "23 of 131 matrices need somebody"},
	{"txt", "/report.txt", "text/plain", "text/plain", "23 of 131 matrices need attention"},
	{"csv", "/report.csv", "text/csv", "text/csv", "severity,reason,"},
	{"md", "/report.md", "text/markdown", "text/markdown", "| cpn-"},
	{"ics", "/calendar.ics", "text/calendar", "text/calendar", "BEGIN:VEVENT"},
	{"metrics", "/metrics", "text/plain", "", "matrix_listed 131"},
}

// Whoever adds a format adds what it has to forms.
func TestEveryFormatIsTried(t *testing.T) {
	_, names, _ := strings.Cut(setup(t).do("GET", "/report?format=none").Body.String(), "is not one of ")
	names, _, _ = strings.Cut(names, `"`)
	var tried []string
	for _, f := range forms {
		tried = append(tried, f.name)
	}
	if names != strings.Join(tried, ", ") {
		t.Errorf("there are the formats %s, tried are %s", names, strings.Join(tried, ", "))
	}
}

// Every format by its path, by parameter, by Accept, with GET and HEAD, by
// token and by link; and refused where it is to be.
func TestFormats(t *testing.T) {
	w := setup(t, "HTTP_AUTH=", "HTTP_TOKEN=t0ken-of-the-caller")
	bearer := []string{"Authorization", "Bearer t0ken-of-the-caller"}
	for _, f := range forms {
		t.Run(f.name, func(t *testing.T) {
			ways := map[string]*httptest.ResponseRecorder{
				"by path":      w.do("GET", f.path, bearer...),
				"by parameter": w.do("GET", "/report?format="+f.name, bearer...),
				"of the root":  w.do("GET", "/?format="+f.name, bearer...),
			}
			if f.accept != "" {
				ways["by Accept"] = w.do("GET", "/report", append(bearer, "Accept", "image/png, "+f.accept+";q=0.5")...)
			}
			link := w.do("GET", "/link?format="+f.name+"&days=30", bearer...)
			var made struct{ URL, Format, Until string }
			if err := json.Unmarshal(link.Body.Bytes(), &made); err != nil || link.Code != 200 || made.Format != f.name {
				t.Fatalf("a link: %d %s", link.Code, link.Body)
			}
			ways["by link"] = w.do("GET", made.URL)
			for way, rec := range ways {
				media, _, err := mime.ParseMediaType(rec.Header().Get("Content-Type"))
				if rec.Code != 200 || err != nil || media != f.media || !strings.Contains(rec.Body.String(), f.says) {
					t.Errorf("%s: %d %s %.300s; want %s with %q", way, rec.Code, rec.Header().Get("Content-Type"), rec.Body, f.media, f.says)
				}
				if rec.Header().Get("Cache-Control") != "no-store" || rec.Header().Get("X-Content-Type-Options") != "nosniff" || rec.Header().Get("ETag") != "" ||
					!strings.Contains(rec.Header().Get("Content-Security-Policy"), "default-src 'none'") || strings.Contains(rec.Header().Get("Content-Security-Policy"), "unsafe") || rec.Header().Get("X-Frame-Options") != "DENY" {
					t.Errorf("%s: the headers are %v", way, rec.Header())
				}
			}
			if head := w.do("HEAD", f.path, bearer...); head.Code != 200 || head.Header().Get("Content-Type") != ways["by path"].Header().Get("Content-Type") {
				t.Errorf("HEAD: %d %v", head.Code, head.Header())
			}
			for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS"} {
				if rec := w.do(method, f.path, bearer...); rec.Code != 405 || rec.Header().Get("Allow") != "GET, HEAD" {
					t.Errorf("%s: %d %v", method, rec.Code, rec.Header())
				}
			}
			if rec := w.do("GET", f.path); rec.Code != 401 || strings.Contains(rec.Body.String(), f.says) {
				t.Errorf("without a token: %d %s", rec.Code, rec.Body)
			}
		})
	}
	if rec := w.do("GET", "/report", append(bearer, "Accept", "image/png, video/*;q=0.3")...); rec.Code != 406 || !strings.Contains(rec.Body.String(), "json, ") {
		t.Errorf("a format that there is not: %d %s", rec.Code, rec.Body)
	}
	if n := len(w.room.Messages()); n != 0 {
		t.Errorf("%d messages were posted by looking", n)
	}
}

// What is answered has the form that is published.
func TestAnswersFollowTheSchema(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("../report/schema.json")
	if err != nil {
		t.Fatal(err)
	}
	w := setup(t)
	for _, rec := range []*httptest.ResponseRecorder{w.do("GET", "/report"), w.do("GET", "/report?all=1"), w.do("GET", "/report?severity=notice&reason=stuck"), w.do("POST", "/notify")} {
		answer, err := jsonschema.UnmarshalJSON(rec.Body)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(answer); err != nil {
			t.Error(err)
		}
	}
}
