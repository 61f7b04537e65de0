// Package oss emulates the part of Alibaba Cloud OSS that the program uses:
// PutObject, GetObject, DeleteObject and ListObjectsV2, in memory, with
// path-style addresses (http://127.0.0.1:1234/bucket/key). [Server] is an
// ordinary http.Handler, ready as its zero value. It rejects what the real
// service documents that it rejects, in the same form.
//
// The package shares no code with the program or its libraries, so that a
// mistake in one cannot be repeated in the other.
//
// Read server.go, then request.go, signature.go, object.go and list.go.
// fault.go has what can go wrong.
package oss

import (
	"net/http"
	"slices"
	"sync"
	"time"
)

// Server emulates OSS. The zero value has every bucket, all empty, and one
// access key, "emulator" with the secret "emulator-secret". Set the exported
// fields before use.
type Server struct {
	// Buckets are the buckets that exist. Nil: every bucket exists.
	Buckets []string

	// Keys maps access key ids to what they sign with.
	// Nil: {"emulator": {Secret: "emulator-secret"}}.
	Keys map[string]Key

	// Region is the region that signatures must name. Empty: any region.
	Region string

	// Versioning is the versioning state of every bucket. With Enabled or
	// Suspended, x-oss-forbid-overwrite has no effect:
	// https://www.alibabacloud.com/help/en/oss/developer-reference/putobject
	Versioning Versioning

	// Now is the clock of the service. Nil: time.Now.
	Now func() time.Time

	// Faults are tried in order, before anything else.
	Faults []Fault

	// Latency passes before each response, unless the client gives up first.
	Latency time.Duration

	mu       sync.Mutex
	objects  map[string]object // by bucket and key, separated by a slash
	requests []Request
	hits     map[int]int // by index of Faults: how often it has matched
}

// Key is what an access key id signs with. A key with a SecurityToken is
// temporary: its requests must carry that token, signed.
type Key struct{ Secret, SecurityToken string }

// Versioning is the versioning state of a bucket.
type Versioning string

const (
	Unversioned Versioning = ""
	Enabled     Versioning = "Enabled"
	Suspended   Versioning = "Suspended"
)

// Request is one request as it was received.
type Request struct {
	Operation   string // such as PutObject; empty: not an operation of this emulator
	Bucket, Key string
	Header      http.Header
}

// Requests returns every request received so far, including those that failed.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// maxRequestBytes is the largest object that the emulator accepts.
const maxRequestBytes = 64 << 20

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in, failure := readRequest(w, r)
	s.mu.Lock()
	s.requests = append(s.requests, Request{in.operation, in.bucket, in.key, r.Header.Clone()})
	s.mu.Unlock()
	if !pause(r, s.Latency) {
		return
	}
	w.Header().Set("Server", "AliyunOSS")
	w.Header().Set("x-oss-request-id", in.id)
	w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat))

	fault, found := s.fault(in)
	if found && !fault.serve(w, r, in) {
		return
	}
	if failure == nil {
		failure = s.authenticate(in)
	}
	if failure == nil && s.Buckets != nil && !slices.Contains(s.Buckets, in.bucket) {
		failure = refuse(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist.")
	}
	if failure != nil {
		failure.write(w, in)
		return
	}
	fault.damage(w, r, func(w http.ResponseWriter) { s.perform(w, in) })
}

// perform executes the operation of an authenticated request.
func (s *Server) perform(w http.ResponseWriter, in *request) {
	switch in.operation {
	case PutObject:
		s.putObject(w, in)
	case GetObject:
		s.getObject(w, in)
	case DeleteObject:
		s.deleteObject(w, in)
	case ListObjectsV2:
		s.listObjects(w, in)
	}
}

func (s *Server) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}

// pause waits for d and reports whether the client is still there.
func pause(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}
