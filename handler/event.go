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

	"github.com/aliyun/fc-runtime-go-sdk/events"
)

// httpEvent answers an event of the HTTP trigger. Every error is a response to
// the caller, none an error of the function.
func (h *Handler) httpEvent(ctx context.Context, event []byte) ([]byte, error) {
	res := newResponse(maxResponseBytes)
	req, err := httpRequest(ctx, event)
	if err != nil {
		writeError(res, http.StatusBadRequest, "InvalidEvent", err.Error())
		return res.event()
	}
	h.serve(res, req)
	if res.tooLarge() {
		res = newResponse(0)
		writeError(res, http.StatusInsufficientStorage, "AnswerTooLarge", "the response exceeds the limit of the platform; narrow it with region, severity, owner or fewer days")
	}
	if req.Method == http.MethodHead {
		res.clear()
	}
	return res.event()
}

// httpRequest returns the request that an event of the HTTP trigger describes.
// Every field of the event may be missing.
// https://www.alibabacloud.com/help/en/functioncompute/fc/http-trigger-invoking-function
func httpRequest(ctx context.Context, event []byte) (*http.Request, error) {
	var e events.HTTPTriggerEvent
	if err := json.Unmarshal(event, &e); err != nil {
		return nil, fmt.Errorf("invalid HTTP event: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	body := []byte(value(e.Body))
	if e.IsBase64Encoded != nil && *e.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(value(e.Body)); err != nil {
			return nil, errors.New("invalid HTTP event: the body is not base64")
		}
	}
	method := strings.ToUpper(value(e.TriggerContext.Http.Method))
	if method == "" {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(ctx, method, "/", bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("invalid HTTP event: %q is not a method", method)
	}
	req.URL = eventURL(e)
	req.Host = value(e.TriggerContext.DomainName)
	req.RemoteAddr = value(e.TriggerContext.Http.SourceIp)
	if e.Headers != nil {
		for name, v := range *e.Headers {
			req.Header.Set(name, v)
		}
	}
	return req, nil
}

// eventURL returns the path and the query of an event. The raw path takes
// precedence over the decoded one, and a path always begins with a slash.
func eventURL(e events.HTTPTriggerEvent) *url.URL {
	u := &url.URL{Path: value(e.TriggerContext.Http.Path)}
	if path, err := url.PathUnescape(value(e.RawPath)); err == nil && path != "" {
		u.Path, u.RawPath = path, value(e.RawPath)
	}
	if !strings.HasPrefix(u.Path, "/") {
		u.Path, u.RawPath = "/"+u.Path, ""
	}
	if e.QueryParameters != nil {
		q := url.Values{}
		for name, v := range *e.QueryParameters {
			q.Set(name, v)
		}
		u.RawQuery = q.Encode()
	}
	return u
}

// value returns the string that s points to, or "" if s is nil.
func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
