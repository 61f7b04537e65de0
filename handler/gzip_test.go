package handler_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"matrix-expiry-report/report"
)

// unzip returns what a gzip stream contains. It fails if the stream is not whole.
func unzip(t *testing.T, b []byte) string {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatalf("%v: %.50q", err, b)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestGzip checks that a response is compressed, once, if the client accepts
// that, and that it is the same otherwise.
func TestGzip(t *testing.T) {
	w := &world{Handler: newHandler(expiring(30, time.Hour))}
	w.Settings.Days = 7
	plain := w.do("GET", "/report.csv")
	for accept, want := range map[string]bool{
		"": false, "gzip": true, "GZIP": true, "deflate, gzip;q=0.5, br": true, "*": true, "br, *;q=0.1": true, "identity;q=0, *": true,
		"br": false, "gzip;q=0": false, "gzip;q=0.0, *": false, "*;q=0": false, "x-gzip2": false, "gzip;q": false, ",": false, "identity": false,
	} {
		rec := w.do("GET", "/report.csv", "Accept-Encoding", accept)
		body := rec.Body.String()
		if encoding := rec.Header().Get("Content-Encoding"); (encoding == "gzip") != want {
			t.Errorf("Accept-Encoding: %s: the encoding is %q", accept, encoding)
		} else if want {
			body = unzip(t, rec.Body.Bytes())
		}
		if body != plain.Body.String() {
			t.Errorf("Accept-Encoding: %s: %.100q, want %.100q", accept, body, plain.Body)
		}
		if vary := strings.Split(rec.Header().Get("Vary"), ", "); !slices.Contains(vary, "Accept-Encoding") {
			t.Errorf("Accept-Encoding: %s: the response varies by %q", accept, vary)
		}
	}
	rec := w.do("GET", "/nowhere", "Accept-Encoding", "gzip")
	if body := unzip(t, rec.Body.Bytes()); rec.Code != 404 || !strings.Contains(body, `"NotFound"`) {
		t.Errorf("an error: %d %s", rec.Code, body)
	}
	if rec := w.do("POST", "/notify", "Accept-Encoding", "gzip"); rec.Header().Get("Content-Encoding") != "" {
		t.Error("the response to a POST is compressed")
	}
}

// TestGzipOverHTTP checks that a client which decompresses by itself gets what
// one gets that does not.
func TestGzipOverHTTP(t *testing.T) {
	h := newHandler(expiring(3000, time.Second))
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	get := func(encoding string) string {
		req, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/report.json", nil)
		if err != nil {
			t.Fatal(err)
		}
		if encoding != "" {
			req.Header.Set("Accept-Encoding", encoding)
		}
		res, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	if byTransport, plain := get(""), get("identity"); byTransport != plain || len(plain) < 100_000 {
		t.Errorf("%d bytes decompressed, %d plain", len(byTransport), len(plain))
	}
}

// TestGzipOfEvent checks that a compressed response to an event is in base64, and
// that the limit of the platform is that of what is sent.
func TestGzipOfEvent(t *testing.T) {
	event := func(method, path string) string {
		return `{"rawPath":"` + path + `","headers":{"accept-encoding":"gzip"},"requestContext":{"http":{"method":"` + method + `"}}}`
	}
	body := func(res eventResponse) string {
		b, err := base64.StdEncoding.DecodeString(res.Body)
		if err != nil || !res.IsBase64Encoded || res.Headers["Content-Encoding"] != "gzip" {
			t.Fatalf("%v, %v, %v", err, res.IsBase64Encoded, res.Headers)
		}
		return unzip(t, b)
	}
	w := &world{Handler: newHandler(expiring(3000, time.Second))}
	w.Settings.Cache = time.Hour
	w.Settings.Days = 1
	if got, want := body(w.respond(t, event("GET", "/report"))), w.do("GET", "/report").Body.String(); got != want {
		t.Errorf("%.100s, want %.100s", got, want)
	}
	if res := w.respond(t, event("HEAD", "/report")); res.StatusCode != 200 || res.Body != "" || res.Headers["Content-Encoding"] != "gzip" {
		t.Errorf("HEAD: %d %.100s %v", res.StatusCode, res.Body, res.Headers)
	}
	for name, status := range map[string]int{
		strings.Repeat("x", 1<<20): 200, // 31 MB, and next to nothing compressed
		incompressible(1 << 20):    507,
	} {
		w := &world{Handler: newHandler(sourceFunc(func(context.Context, []string) (l report.Listing) {
			for range 31 {
				l.Matrices = append(l.Matrices, &report.Matrix{Name: name, Status: "FAILED"})
			}
			return l
		}))}
		res := w.respond(t, event("GET", "/report"))
		if res.StatusCode != status {
			t.Errorf("%.10s…: %d, want %d", name, res.StatusCode, status)
		}
		if got := body(res); status == 507 && !strings.Contains(got, `"AnswerTooLarge"`) || status == 200 && !json.Valid([]byte(got)) {
			t.Errorf("%.10s…: %.200s", name, got)
		}
	}
}

// incompressible returns n letters and digits without a pattern.
func incompressible(n int) string {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b)
	return base64.StdEncoding.EncodeToString(b)[:n]
}
