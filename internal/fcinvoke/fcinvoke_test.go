package fcinvoke

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"matrix-expiry-report/internal/cloudphone"
)

// verify checks a signature as the platform's documentation describes it, without
// the code that signs. It returns why the signature is wrong, or "".
func verify(r *http.Request, secret string) string {
	rest, ok := strings.CutPrefix(r.Header.Get("Authorization"), "ACS3-HMAC-SHA256 ")
	parts := strings.Split(rest, ",")
	if !ok || len(parts) != 3 {
		return "required HTTP header Authorization was not specified"
	}
	names := strings.Split(strings.TrimPrefix(parts[1], "SignedHeaders="), ";")
	if !slices.IsSorted(names) || !slices.Contains(names, "x-acs-date") || r.Header.Get("x-acs-security-token") != "" && !slices.Contains(names, "x-acs-security-token") {
		return "headers are missing from the signature"
	}
	if at, err := time.Parse("2006-01-02T15:04:05Z", r.Header.Get("x-acs-date")); err != nil || time.Since(at).Abs() > 15*time.Minute {
		return "the date is off"
	}
	encode := func(s string) string {
		return strings.NewReplacer("+", "%20", "*", "%2A", "%7E", "~").Replace(url.QueryEscape(s))
	}
	var query, headers []string
	for name, values := range r.URL.Query() {
		query = append(query, encode(name)+"="+encode(values[0]))
	}
	slices.Sort(query)
	for _, name := range names {
		headers = append(headers, name+":"+strings.TrimSpace(r.Header.Get(name))+"\n")
	}
	canonical := strings.Join([]string{r.Method, r.URL.EscapedPath(), strings.Join(query, "&"), strings.Join(headers, ""), strings.Join(names, ";"), ""}, "\n")
	hash := sha256.Sum256([]byte(canonical))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("ACS3-HMAC-SHA256\n" + hex.EncodeToString(hash[:])))
	if parts[2] != "Signature="+hex.EncodeToString(mac.Sum(nil)) {
		return "the signature does not match: " + canonical
	}
	return ""
}

func TestCall(t *testing.T) {
	for _, c := range []struct {
		method, target, body string
		key                  cloudphone.Credentials
		status               int
	}{
		{"GET", "/report", "", cloudphone.Credentials{AccessKeyID: "k", AccessKeySecret: "s3cret"}, 200},
		{"GET", "", "", cloudphone.Credentials{AccessKeyID: "k", AccessKeySecret: "s3cret"}, 200},
		{"GET", "/report?days=7&owner=team%20a*~&lang=zh", "", cloudphone.Credentials{AccessKeyID: "k", AccessKeySecret: "s3cret"}, 200},
		{"POST", "/notify", `{"days":7}`, cloudphone.Credentials{AccessKeyID: "STS.k", AccessKeySecret: "s3cret", SecurityToken: "t0ken"}, 200},
		{"GET", "/report", "", cloudphone.Credentials{AccessKeyID: "k", AccessKeySecret: "another"}, 403},
	} {
		t.Run(c.method+" "+c.target, func(t *testing.T) {
			var body []byte
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ = io.ReadAll(r.Body)
				if got := r.Header.Get("x-acs-security-token"); got != c.key.SecurityToken.Reveal() {
					t.Errorf("got the security token %q, want %q", got, c.key.SecurityToken.Reveal())
				}
				if got, want := r.Header.Get("Content-Type"), map[bool]string{true: "application/json"}[len(body) > 0]; got != want {
					t.Errorf("got the content type %q, want %q", got, want)
				}
				if why := verify(r, "s3cret"); why != "" {
					http.Error(w, why, http.StatusForbidden)
					return
				}
				io.WriteString(w, "the report")
			}))
			defer server.Close()
			status, answer, err := Call(t.Context(), c.method, server.URL+c.target, []byte(c.body), c.key)
			if err != nil || status != c.status || (status == 200) != (string(answer) == "the report") || string(body) != c.body {
				t.Errorf("%d %s %v, sent %q; want %d", status, answer, err, body, c.status)
			}
		})
	}
	for _, address := range []string{"", "report", "http://example.com/", "https://user:pass@example.com/", "ftp://127.0.0.1/", "https://[::1"} {
		if _, _, err := Call(t.Context(), "GET", address, nil, cloudphone.Credentials{}); err == nil {
			t.Errorf("%q: got no error", address)
		}
	}
}

// Call returns a redirect and does not follow it, so the token stays with the
// function.
func TestCallFollowsNoRedirect(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the redirect was followed, with %v", r.Header)
	}))
	defer elsewhere.Close()
	server := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	status, _, err := Call(t.Context(), "GET", server.URL, nil, cloudphone.Credentials{AccessKeyID: "STS.k", AccessKeySecret: "s3cret", SecurityToken: "t0ken"})
	if err != nil || status != http.StatusTemporaryRedirect {
		t.Errorf("%d, %v", status, err)
	}
}
