package handler

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"
)

// maxResponseBytes bounds the body of a response to an event as a JSON string, a
// little below the 32 MB of the platform.
// https://www.alibabacloud.com/help/en/functioncompute/fc/product-overview/limits
const maxResponseBytes = 30 << 20

// errTooLarge is returned for a write beyond the limit of a response.
var errTooLarge = errors.New("the response is too large")

// A response holds the response to a request until it is complete, so that an
// error while it is written can still replace it.
type response struct {
	header http.Header
	status int
	body   [][]byte // as it was written: one slice would be copied as it grows
	limit  int      // of the body as a JSON string; 0 for none
	size   int      // of the body as a JSON string

	scratch []byte // the last write as a JSON string
}

func newResponse(limit int) *response {
	return &response{header: http.Header{}, status: http.StatusOK, limit: limit}
}

func (r *response) Header() http.Header { return r.header }

func (r *response) WriteHeader(status int) { r.status = status }

// Write appends to the body. Once the body exceeds the limit, Write drops it
// and returns errTooLarge.
func (r *response) Write(b []byte) (int, error) {
	r.scratch = appendJSON(r.scratch[:0], b)
	r.size += len(r.scratch)
	if r.tooLarge() {
		r.body = nil
		return 0, errTooLarge
	}
	r.body = append(r.body, bytes.Clone(b))
	return len(b), nil
}

// tooLarge reports whether the body has exceeded the limit.
func (r *response) tooLarge() bool { return r.limit > 0 && r.size > r.limit }

// clear drops the body.
func (r *response) clear() { r.body, r.size = nil, 0 }

// writeTo writes the response to w.
func (r *response) writeTo(w http.ResponseWriter) {
	for name, values := range r.header {
		w.Header()[name] = values
	}
	w.WriteHeader(r.status)
	for _, b := range r.body {
		if _, err := w.Write(b); err != nil {
			return
		}
	}
}

// event returns the response to an event: JSON with the body as a string. It
// copies the body only once, as that may be large.
// https://www.alibabacloud.com/help/en/functioncompute/fc/http-trigger-invoking-function
func (r *response) event() ([]byte, error) {
	fields := struct {
		StatusCode      int               `json:"statusCode"`
		Headers         map[string]string `json:"headers"`
		IsBase64Encoded bool              `json:"isBase64Encoded"`
	}{r.status, map[string]string{}, false}
	for name, values := range r.header {
		fields.Headers[name] = strings.Join(values, ", ")
	}
	head, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	const open, end = `,"body":"`, `"}`
	event := make([]byte, 0, len(head)+len(open)+r.size+len(end))
	event = append(append(event, head[:len(head)-1]...), open...)
	for _, b := range r.body {
		event = appendJSON(event, b)
	}
	event = append(event, end...)
	if !utf8.Valid(event) {
		event = bytes.ToValidUTF8(event, []byte("\ufffd"))
	}
	return event, nil
}

// appendJSON appends text to dst as it is within a JSON string. It escapes for
// HTML as encoding/json does: the SDK marshals the event again, which would make
// it longer otherwise.
func appendJSON(dst, text []byte) []byte {
	const hex = "0123456789abcdef"
	for _, c := range text {
		switch {
		case c == '"', c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c < ' ', c == '<', c == '>', c == '&':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
