package oss

import (
	"bytes"
	"net/http"
	"strconv"
	"time"
)

// Fault is something that goes wrong with the requests that it matches.
type Fault struct {
	Operation string // such as PutObject; empty: any
	Key       string // empty: any
	Skip      int    // how many matching requests pass unharmed first
	Times     int    // how often it strikes; 0: always

	Delay  time.Duration    // passes before anything else happens
	Answer http.HandlerFunc // replaces the response; the operation is not performed
	Damage Damage           // what becomes of the response of the performed operation

	// Neither Answer nor Damage nor Delay: 503 ServiceUnavailable.
}

// Damage is what becomes of a response on its way.
type Damage int

const (
	None     Damage = iota
	Lost            // the connection is cut before the response
	Cut             // the connection is cut in the middle of the body
	Short           // half of the body, with a matching Content-Length
	Mangled         // one byte of the body is another
	Stalled         // half of the body, then silence until the client gives up
	Vanished        // the object is deleted first, as by another run
)

// fault returns the first fault that matches and still strikes.
func (s *Server) fault(in *request) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.Faults {
		if f.Operation != "" && f.Operation != in.operation || f.Key != "" && f.Key != in.key {
			continue
		}
		if s.hits == nil {
			s.hits = map[int]int{}
		}
		s.hits[i]++
		if s.hits[i] <= f.Skip || f.Times > 0 && s.hits[i] > f.Skip+f.Times {
			continue
		}
		if f.Damage == Vanished {
			delete(s.objects, in.bucket+"/"+in.key)
		}
		return f, true
	}
	return Fault{}, false
}

// serve does what precedes the operation. It reports whether the operation is
// to be performed.
func (f Fault) serve(w http.ResponseWriter, r *http.Request, in *request) bool {
	switch {
	case !pause(r, f.Delay):
		return false
	case f.Answer != nil:
		f.Answer(w, r)
		return false
	case f.Damage == None && f.Delay == 0:
		refuse(http.StatusServiceUnavailable, "ServiceUnavailable", "Please reduce your request rate.").write(w, in)
		return false
	}
	return true
}

// Refusal returns an error response in the form of OSS, for [Fault.Answer].
func Refusal(status int, code, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		refuse(status, code, "%s", message).write(w, &request{host: r.Host, id: w.Header().Get("x-oss-request-id")})
	}
}

// damage performs the operation and damages its response.
func (f Fault) damage(w http.ResponseWriter, r *http.Request, perform func(http.ResponseWriter)) {
	if f.Damage == None || f.Damage == Vanished {
		perform(w)
		return
	}
	held := &heldResponse{header: w.Header()}
	perform(held)
	if f.Damage == Lost {
		panic(http.ErrAbortHandler)
	}
	body := held.body.Bytes()
	half := body[:len(body)/2]
	switch f.Damage {
	case Short:
		body = half
	case Mangled:
		if len(body) > 0 {
			body[len(body)/2] ^= 0x20
		}
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(held.status)
	switch f.Damage {
	case Cut, Stalled:
		w.Write(half)
		http.NewResponseController(w).Flush()
		if f.Damage == Stalled {
			<-r.Context().Done()
		}
		panic(http.ErrAbortHandler)
	}
	w.Write(body)
}

// A heldResponse keeps a response back.
type heldResponse struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (h *heldResponse) Header() http.Header         { return h.header }
func (h *heldResponse) WriteHeader(status int)      { h.status = status }
func (h *heldResponse) Write(b []byte) (int, error) { return h.body.Write(b) }
