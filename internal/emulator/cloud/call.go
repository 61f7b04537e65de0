package cloud

import (
	"bytes"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// readCall takes a request apart. What it could make out of a bad request is
// returned too, since a fault may want to strike it.
func readCall(w http.ResponseWriter, r *http.Request) (*call, *apiError) {
	in := &call{
		method: r.Method,
		path:   r.URL.EscapedPath(),
		host:   r.Host,
		header: r.Header,
		query:  url.Values{},
		params: url.Values{},
		id:     requestID(),
		action: r.Header.Get("x-acs-action"), version: r.Header.Get("x-acs-version"),
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBytes))
	if err != nil {
		return in, refuse(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "The request body cannot be read: %v.", err)
	}
	in.body = body
	if in.query, err = url.ParseQuery(r.URL.RawQuery); err != nil {
		return in, refuse(http.StatusBadRequest, "InvalidQueryString", "The query cannot be parsed: %v.", err)
	}
	form := url.Values{}
	if len(body) > 0 {
		media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if media != "application/x-www-form-urlencoded" {
			return in, refuse(http.StatusUnsupportedMediaType, "UnsupportedContentType", "A body must be application/x-www-form-urlencoded, got %q.", r.Header.Get("Content-Type"))
		}
		if form, err = url.ParseQuery(string(body)); err != nil {
			return in, refuse(http.StatusBadRequest, "InvalidFormBody", "The form body cannot be parsed: %v.", err)
		}
	}
	var twice []string
	for _, values := range []url.Values{in.query, form} {
		for name, all := range values {
			in.params[name] = append(in.params[name], all...)
			if len(in.params[name]) > 1 {
				twice = append(twice, name)
			}
		}
	}
	if len(twice) > 0 {
		slices.Sort(twice)
		return in, refuse(http.StatusBadRequest, "InvalidParameter", "Given more than once: %s.", strings.Join(slices.Compact(twice), ", "))
	}
	in.old = r.Header.Get("Authorization") == "" && (in.params.Has("Signature") || in.params.Has("AccessKeyId"))
	if in.old {
		return in, in.readOldNames()
	}
	return in, nil
}

// readOldNames takes action and version from the parameters, where the older
// signature has them. Clients that send the headers too must say the same.
func (in *call) readOldNames() *apiError {
	for name, value := range map[string]*string{"Action": &in.action, "Version": &in.version} {
		param := in.params.Get(name)
		if *value != "" && param != "" && *value != param {
			return refuse(http.StatusBadRequest, "Invalid"+name, "The header says %q and the parameter says %q.", *value, param)
		}
		if param != "" {
			*value = param
		}
	}
	return nil
}

// withBody gives a request its body back, for a fault that wants to read it.
func withBody(r *http.Request, body []byte) *http.Request {
	again := r.WithContext(r.Context())
	again.Body = io.NopCloser(bytes.NewReader(body))
	return again
}
