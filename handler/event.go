package handler

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// httpEvent answers an event of the HTTP trigger. Every error is a response to
// the caller, none an error of the function.
func (h *Handler) httpEvent(ctx context.Context, event []byte) ([]byte, error) {
	res := newResponse(maxResponseBytes)
	req, err := httpRequest(ctx, event)
	if err != nil {
		writeError(res, httpError{http.StatusBadRequest, "InvalidEvent", err.Error()})
		return res.event()
	}
	h.serve(res, req)
	if res.tooLarge() {
		res = newResponse(0)
		const message = "the response exceeds the limit of the platform; narrow it with region, severity, owner or fewer days"
		writeError(res, httpError{http.StatusInsufficientStorage, "AnswerTooLarge", message})
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
	method := strings.ToUpper(e.RequestContext.HTTP.Method)
	if method == "" {
		method = http.MethodGet
	}
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
