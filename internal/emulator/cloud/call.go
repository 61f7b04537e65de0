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

// readCall parses a request. With an error it returns what it has parsed, as a
// fault may match it.
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
	var repeated []string
	for _, values := range []url.Values{in.query, form} {
		for name, all := range values {
			in.params[name] = append(in.params[name], all...)
			if len(in.params[name]) > 1 {
				repeated = append(repeated, name)
			}
		}
	}
	if len(repeated) > 0 {
		slices.Sort(repeated)
		return in, refuse(http.StatusBadRequest, "InvalidParameter", "Given more than once: %s.", strings.Join(slices.Compact(repeated), ", "))
	}
	in.old = r.Header.Get("Authorization") == "" && (in.params.Has("Signature") || in.params.Has("AccessKeyId"))
	return in, in.readNames()
}

// readNames reads action and version from the parameters, where the older
// signature puts them. If the headers are present too, they must agree.
func (in *call) readNames() *apiError {
	for name, value := range map[string]*string{"Action": &in.action, "Version": &in.version} {
		param := in.params.Get(name)
		if *value != "" && param != "" && *value != param {
			return refuse(http.StatusBadRequest, "Invalid"+name, "The header is %q and the parameter is %q.", *value, param)
		}
		if param != "" {
			*value = param
		}
	}
	return nil
}

// withBody returns a copy of r with an unread body, for faults that read it.
func withBody(r *http.Request, body []byte) *http.Request {
	unread := r.WithContext(r.Context())
	unread.Body = io.NopCloser(bytes.NewReader(body))
	return unread
}
