package handler

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// httpEvent answers an event of the HTTP trigger. Every error is a response to
// the caller, none an error of the function.
func (h *Handler) httpEvent(ctx context.Context, event []byte) ([]byte, error) {
	res := newResponse(maxResponseBytes)
	req, err := httpRequest(ctx, event)
	if err != nil {
		res.status = http.StatusBadRequest
		writeJSON(res, errorJSON("InvalidEvent", err.Error()))
		return res.event()
	}
	h.serve(res, req)
	if res.tooLarge() {
		res.clear()
		res.limit = 0
		const message = "the response exceeds the limit of the platform; narrow it with region, severity, owner or fewer days"
		h.writeError(res, req, httpError{http.StatusInsufficientStorage, "AnswerTooLarge", message})
		res.finish()
	}
	if req.Method == http.MethodHead {
		res.clear()
	}
	return res.event()
}

// An httpTriggerEvent is what the program reads of an event of the HTTP trigger.
// Every field may be missing. Unlike the SDK's type, it accepts any type in all
// others.
// https://www.alibabacloud.com/help/en/functioncompute/fc/http-trigger-invoking-function
type httpTriggerEvent struct {
	RawPath         string         `json:"rawPath"`
	Headers         map[string]any `json:"headers"`
	QueryParameters map[string]any `json:"queryParameters"`
	Body            string         `json:"body"`
	IsBase64Encoded bool           `json:"isBase64Encoded"`
	RequestContext  struct {
		DomainName string `json:"domainName"`
		HTTP       struct {
			Method   string `json:"method"`
			Path     string `json:"path"`
			SourceIP string `json:"sourceIp"`
		} `json:"http"`
	} `json:"requestContext"`
}

// httpRequest returns the request that an event of the HTTP trigger describes.
func httpRequest(ctx context.Context, event []byte) (*http.Request, error) {
	var e httpTriggerEvent
	if err := json.Unmarshal(event, &e); err != nil {
		return nil, fmt.Errorf("invalid HTTP event: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	body := []byte(e.Body)
	if e.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(e.Body); err != nil {
			return nil, errors.New("invalid HTTP event: the body is not base64")
		}
	}
	method := strings.ToUpper(e.RequestContext.HTTP.Method) // GET if empty
	req, err := http.NewRequestWithContext(ctx, method, "/", bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("invalid HTTP event: %q is not a method", method)
	}
	req.URL = eventURL(e)
	req.Host = e.RequestContext.DomainName
	req.RemoteAddr = e.RequestContext.HTTP.SourceIP
	for name, v := range e.Headers {
		if v, ok := v.(string); ok {
			req.Header.Set(name, v)
		}
	}
	return req, nil
}

// eventURL returns the path and the query of an event. The raw path takes
// precedence over the decoded one, and a path always begins with a slash.
func eventURL(e httpTriggerEvent) *url.URL {
	u := &url.URL{Path: e.RequestContext.HTTP.Path}
	if path, err := url.PathUnescape(e.RawPath); err == nil && path != "" {
		u.Path, u.RawPath = path, e.RawPath
	}
	if !strings.HasPrefix(u.Path, "/") {
		u.Path, u.RawPath = "/"+u.Path, ""
	}
	q := url.Values{}
	for name, v := range e.QueryParameters {
		q.Set(name, fmt.Sprint(v)) // a string, as documented; anything else is refused as an invalid value
	}
	u.RawQuery = q.Encode()
	return u
}

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
	body   [][]byte // compressed if the response is, in pieces: one slice would be copied to grow
	limit  int      // of the body as a JSON string; 0 for none
	size   int      // of the body as a JSON string

	gzip    bool         // compress the body
	zip     *gzip.Writer // to the body; nil if nothing was written
	length  int          // of a compressed body
	scratch []byte       // the last write as a JSON string
}

func newResponse(limit int) *response {
	return &response{header: http.Header{}, status: http.StatusOK, limit: limit}
}

func (r *response) Header() http.Header { return r.header }

func (r *response) WriteHeader(status int) { r.status = status }

// Write appends to the body. Once the body exceeds the limit, Write drops it
// and returns errTooLarge.
func (r *response) Write(b []byte) (int, error) {
	if r.gzip {
		return r.compress(b)
	}
	r.scratch = appendJSON(r.scratch[:0], b)
	r.size += len(r.scratch)
	return r.append(b)
}

// append appends b, which is compressed if the response is, to the body.
func (r *response) append(b []byte) (int, error) {
	if r.tooLarge() {
		r.body = nil
		return 0, errTooLarge
	}
	r.body = append(r.body, bytes.Clone(b))
	return len(b), nil
}

func (r *response) tooLarge() bool { return r.limit > 0 && r.size > r.limit }

func (r *response) clear() { r.body, r.size, r.length, r.zip = nil, 0, 0, nil }

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

// event returns the response to an event: JSON with the body as a string, in
// base64 if it is compressed. It copies the body only once, as that may be large.
// https://www.alibabacloud.com/help/en/functioncompute/fc/http-trigger-invoking-function
func (r *response) event() ([]byte, error) {
	fields := struct {
		StatusCode      int               `json:"statusCode"`
		Headers         map[string]string `json:"headers"`
		IsBase64Encoded bool              `json:"isBase64Encoded"`
	}{r.status, map[string]string{}, r.gzip}
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
	if r.gzip {
		event = r.appendBase64(event)
	} else {
		for _, b := range r.body {
			event = appendJSON(event, b)
		}
	}
	event = append(event, end...)
	if !utf8.Valid(event) {
		event = bytes.ToValidUTF8(event, []byte("\ufffd"))
	}
	return event, nil
}

// appendJSON appends text to dst, escaped for a JSON string, and for HTML as
// encoding/json does: the SDK marshals the event again, which would make it longer
// otherwise.
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
