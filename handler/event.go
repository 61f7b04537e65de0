package handler

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/aliyun/fc-runtime-go-sdk/events"
)

// serveEvent answers an event of the HTTP trigger through ServeHTTP. Whatever
// is wrong with it is told to the caller, never as an error of the function.
func (h *Handler) serveEvent(ctx context.Context, event []byte) ([]byte, error) {
	w := newRecorder()
	req, err := httpRequest(ctx, event)
	if err != nil {
		writeError(w, http.StatusBadRequest, "InvalidEvent", err.Error())
	} else {
		h.ServeHTTP(w, req)
		if req.Method == http.MethodHead {
			w.body.Reset()
		}
	}
	answer, err := json.Marshal(w.response())
	if err == nil && len(answer) > maxAnswerBytes {
		w = newRecorder()
		writeError(w, http.StatusInsufficientStorage, "AnswerTooLarge", "the answer is larger than the platform lets through: ask for less, with region, severity, owner or fewer days")
		return json.Marshal(w.response())
	}
	return answer, err
}

// httpRequest makes a request of the event, whose every field may be missing.
// https://www.alibabacloud.com/help/en/functioncompute/fc/http-trigger-invoking-function
func httpRequest(ctx context.Context, event []byte) (*http.Request, error) {
	var e events.HTTPTriggerEvent
	if err := json.Unmarshal(event, &e); err != nil {
		return nil, fmt.Errorf("the event of the HTTP trigger cannot be read: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	body := []byte(value(e.Body))
	if e.IsBase64Encoded != nil && *e.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(value(e.Body)); err != nil {
			return nil, fmt.Errorf("the body is said to be base64 and is not")
		}
	}
	u := &url.URL{Path: value(e.TriggerContext.Http.Path)}
	if raw, err := url.PathUnescape(value(e.RawPath)); err == nil && raw != "" {
		u.Path, u.RawPath = raw, value(e.RawPath)
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
	method := strings.ToUpper(value(e.TriggerContext.Http.Method))
	if method == "" {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(ctx, method, "/", bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%q is not a method", method)
	}
	req.URL = u
	req.Host = value(e.TriggerContext.DomainName)
	req.RemoteAddr = value(e.TriggerContext.Http.SourceIp)
	if e.Headers != nil {
		for name, v := range *e.Headers {
			req.Header.Set(name, v)
		}
	}
	return req, nil
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
