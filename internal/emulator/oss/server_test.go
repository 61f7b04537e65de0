package oss

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// A client sends signed requests. Its signatures are made with the emulator's
// own functions, which the vectors check.
type client struct {
	t    *testing.T
	base string
}

func serve(t *testing.T, s *Server) client {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return client{t, server.URL}
}

func (c client) send(method, path, body string, header ...string) (*http.Response, error) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	now := time.Now().UTC()
	r.Header.Set("x-oss-date", now.Format(dateTimeFormat))
	r.Header.Set("x-oss-content-sha256", unsignedPayload)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	in, _ := readRequest(httptest.NewRecorder(), r.Clone(r.Context()))
	r.Body = io.NopCloser(strings.NewReader(body))
	auth := authorization{keyID: "emulator", date: now.Format("20060102"), region: "cn-hangzhou"}
	scope := strings.Join([]string{auth.keyID, auth.date, auth.region, "oss", scopeEnd}, "/")
	r.Header.Set("Authorization", algorithm+" Credential="+scope+",Signature="+sign("emulator-secret", auth.date, auth.region, stringToSign(in, auth)))
	return http.DefaultClient.Do(r)
}

func (c client) do(method, path, body string, header ...string) (status int, got string, h http.Header) {
	c.t.Helper()
	resp, err := c.send(method, path, body, header...)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, string(b), resp.Header
}

func (c client) want(method, path, body string, header []string, status int, contains string) {
	c.t.Helper()
	gotStatus, got, _ := c.do(method, path, body, header...)
	if gotStatus != status || !strings.Contains(got, contains) {
		c.t.Errorf("%s %s: status %d, %s; want %d, %s", method, path, gotStatus, got, status, contains)
	}
}

var forbidOverwrite = []string{"x-oss-forbid-overwrite", "true"}

func TestObjects(t *testing.T) {
	c := serve(t, &Server{})
	c.want("GET", "/b/runs/1", "", nil, 404, "<Code>NoSuchKey</Code>")
	c.want("PUT", "/b/runs/1", "one", forbidOverwrite, 200, "")
	c.want("PUT", "/b/runs/1", "two", forbidOverwrite, 409, "<Code>FileAlreadyExists</Code>")
	c.want("GET", "/b/runs/1", "", nil, 200, "one")
	c.want("PUT", "/b/runs/1", "three", nil, 200, "")
	c.want("GET", "/b/runs/1", "", nil, 200, "three")
	c.want("GET", "/elsewhere/runs/1", "", nil, 404, "NoSuchKey")
	c.want("DELETE", "/b/runs/1", "", nil, 204, "")
	c.want("DELETE", "/b/runs/1", "", nil, 204, "")
	c.want("GET", "/b/runs/1", "", nil, 404, "NoSuchKey")
	c.want("PUT", "/b/runs/1", "", []string{"x-oss-forbid-overwrite", "abc"}, 400, "InvalidArgument")
	c.want("PUT", "/b/runs/1", "x", []string{"Content-MD5", "AAAA"}, 400, "InvalidDigest")
	c.want("POST", "/b/runs/1", "", nil, 501, "NotImplemented")
	c.want("GET", "/b/?acl", "", nil, 501, "NotImplemented")
}

func TestVersioningDisablesForbidOverwrite(t *testing.T) {
	for _, state := range []Versioning{Enabled, Suspended} {
		c := serve(t, &Server{Versioning: state})
		c.want("PUT", "/b/k", "one", forbidOverwrite, 200, "")
		c.want("PUT", "/b/k", "two", forbidOverwrite, 200, "")
		c.want("GET", "/b/k", "", nil, 200, "two")
	}
}

func TestUnknownBucket(t *testing.T) {
	c := serve(t, &Server{Buckets: []string{"b"}})
	c.want("PUT", "/b/k", "", nil, 200, "")
	c.want("PUT", "/c/k", "", nil, 404, "NoSuchBucket")
}

// list reads every page and returns the keys and the number of pages.
func (c client) list(query string) (keys []string, pages int) {
	c.t.Helper()
	token := ""
	for {
		_, body, _ := c.do("GET", "/b/?list-type=2&"+query+token, "")
		var page listing
		if err := xml.Unmarshal([]byte(body), &page); err != nil {
			c.t.Fatalf("%v: %s", err, body)
		}
		if page.KeyCount != len(page.Contents) || page.IsTruncated != (page.NextContinuationToken != "") {
			c.t.Fatalf("a page that contradicts itself: %s", body)
		}
		for _, o := range page.Contents {
			keys = append(keys, o.Key)
		}
		if pages++; !page.IsTruncated {
			return keys, pages
		}
		token = "&continuation-token=" + page.NextContinuationToken
	}
}

func TestListObjects(t *testing.T) {
	s := &Server{}
	c := serve(t, s)
	var all []string
	for i := range 250 {
		key := fmt.Sprintf("runs/%03d", i)
		all = append(all, key)
		s.Put("b", key, nil)
	}
	s.Put("b", "a", nil)
	s.Put("b", "z", nil)
	s.Put("c", "runs/999", nil)
	for _, test := range []struct {
		query string
		want  []string
		pages int
	}{
		{"prefix=runs/", all, 3},
		{"prefix=runs/&max-keys=1000", all, 1},
		{"prefix=runs/&max-keys=125", all, 2},
		{"prefix=runs/&max-keys=1000&start-after=runs/247", all[248:], 1},
		{"prefix=runs/&max-keys=1&start-after=runs/2475", all[248:], 2},
		{"prefix=runs/&start-after=runs/9", nil, 1},
		{"max-keys=1000", slices.Concat([]string{"a"}, all, []string{"z"}), 1},
	} {
		if got, pages := c.list(test.query); !slices.Equal(got, test.want) || pages != test.pages {
			t.Errorf("%s: %d keys in %d pages, want %d in %d", test.query, len(got), pages, len(test.want), test.pages)
		}
	}
	for _, query := range []string{"max-keys=0", "max-keys=1001", "max-keys=x", "encoding-type=json", "continuation-token=%25", "delimiter=/"} {
		if status, body, _ := c.do("GET", "/b/?list-type=2&"+query, ""); status < 400 {
			t.Errorf("%s: status %d, %s", query, status, body)
		}
	}
}

func TestListEncodesNames(t *testing.T) {
	s := &Server{}
	s.Put("b", "a b/é&<", nil)
	if keys, _ := serve(t, s).list("encoding-type=url"); !slices.Equal(keys, []string{"a+b%2F%C3%A9%26%3C"}) {
		t.Errorf("got %q", keys)
	}
}

func TestFaults(t *testing.T) {
	for _, test := range []struct {
		name   string
		fault  Fault
		status int
		body   string
		err    error // of reading the body
	}{
		{"none named", Fault{}, 503, "ServiceUnavailable", nil},
		{"an answer", Fault{Answer: Refusal(403, "AccessDenied", "No.")}, 403, "<Code>AccessDenied</Code>", nil},
		{"cut", Fault{Damage: Cut}, 200, "abcd", io.ErrUnexpectedEOF},
		{"short", Fault{Damage: Short}, 200, "abcd", nil},
		{"mangled", Fault{Damage: Mangled}, 200, "abcdEfgh", nil},
		{"vanished", Fault{Damage: Vanished}, 404, "NoSuchKey", nil},
		{"another operation", Fault{Operation: PutObject}, 200, "abcdefgh", nil},
		{"another key", Fault{Key: "other"}, 200, "abcdefgh", nil},
		{"later", Fault{Skip: 1}, 200, "abcdefgh", nil},
		{"a delay alone", Fault{Delay: time.Millisecond}, 200, "abcdefgh", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &Server{Faults: []Fault{test.fault}}
			s.Put("b", "k", []byte("abcdefgh"))
			resp, err := serve(t, s).send("GET", "/b/k", "")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if resp.StatusCode != test.status || !strings.Contains(string(body), test.body) || !errors.Is(err, test.err) {
				t.Errorf("status %d, %q, %v; want %d, %q, %v", resp.StatusCode, body, err, test.status, test.body, test.err)
			}
		})
	}
}

func TestLostResponseStoresTheObject(t *testing.T) {
	s := &Server{Faults: []Fault{{Operation: PutObject, Damage: Lost, Times: 1}}}
	c := serve(t, s)
	if resp, err := c.send("PUT", "/b/k", "one", forbidOverwrite...); err == nil {
		resp.Body.Close()
		t.Fatalf("status %d for a request whose connection was to be cut", resp.StatusCode)
	}
	if got, found := s.Object("b", "k"); !found || string(got) != "one" {
		t.Errorf("stored %q, %t", got, found)
	}
	c.want("PUT", "/b/k", "one", forbidOverwrite, 409, "FileAlreadyExists")
	if got := s.Names("b"); !slices.Equal(got, []string{"k"}) {
		t.Errorf("names %q", got)
	}
	if got := s.Requests(); len(got) != 2 || got[0].Operation != PutObject || got[0].Bucket != "b" || got[0].Key != "k" {
		t.Errorf("requests %+v", got)
	}
}
