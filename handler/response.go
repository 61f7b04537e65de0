package handler

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
)

// maxResponseBytes bounds the JSON of a response to an event, a little below
// the 32 MB of the platform.
// https://www.alibabacloud.com/help/en/functioncompute/fc/product-overview/limits
const maxResponseBytes = 30 << 20

// errTooLarge is returned for a write beyond the limit of a response.
var errTooLarge = errors.New("the response is too large")

// A response buffers the response to a request, so that an error while it is
// written can still replace it.
type response struct {
	header http.Header
	status int
	body   bytes.Buffer
	limit  int // of the body as a JSON string; 0 for none
	size   int // of the body as a JSON string
}

func newResponse(limit int) *response {
	return &response{header: http.Header{}, status: http.StatusOK, limit: limit}
}

func (r *response) Header() http.Header { return r.header }

func (r *response) WriteHeader(status int) { r.status = status }

// Write appends to the body. Once the body exceeds the limit, Write drops it
// and returns errTooLarge.
func (r *response) Write(b []byte) (int, error) {
	r.size += jsonLen(b)
	if r.tooLarge() {
		r.body = bytes.Buffer{}
		return 0, errTooLarge
	}
	return r.body.Write(b)
}

// tooLarge reports whether the body has exceeded the limit.
func (r *response) tooLarge() bool { return r.limit > 0 && r.size > r.limit }

// jsonLen returns the length of text in a JSON string, as encoding/json escapes
// it. Two rare line separators, which become longer, are not considered.
func jsonLen(text []byte) int {
	n := len(text)
	for _, c := range text {
		switch {
		case c == '"', c == '\\', c == '\n', c == '\r', c == '\t', c == '\b', c == '\f':
			n++
		case c < ' ', c == '<', c == '>', c == '&':
			n += len(`\u003c`) - 1
		}
	}
	return n
}

// event returns the response in the form of an event's: JSON with the body as a
// string. It copies the body only once, as that may be large.
// https://www.alibabacloud.com/help/en/functioncompute/fc/http-trigger-invoking-function
func (r *response) event() ([]byte, error) {
	head := struct {
		StatusCode      int               `json:"statusCode"`
		Headers         map[string]string `json:"headers"`
		IsBase64Encoded bool              `json:"isBase64Encoded"`
	}{r.status, map[string]string{}, false}
	for name, values := range r.header {
		head.Headers[name] = strings.Join(values, ", ")
	}
	out, err := json.Marshal(head)
	if err != nil {
		return nil, err
	}
	const open, end = `,"body":"`, `"}`
	event := make([]byte, 0, len(out)+len(open)+r.size+len(end))
	event = append(append(event, out[:len(out)-1]...), open...)
	for line := range bytes.Lines(r.body.Bytes()) {
		quoted, err := json.Marshal(string(line))
		if err != nil {
			return nil, err
		}
		event = append(event, quoted[1:len(quoted)-1]...)
	}
	return append(event, end...), nil
}
