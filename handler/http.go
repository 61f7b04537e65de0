package handler

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// A route answers one path, by one method (HEAD goes with GET).
type route struct {
	method string
	access access
	serve  func(*Handler, http.ResponseWriter, *http.Request)
}

// routes by path; the formats have theirs besides.
var routes = map[string]route{
	"/":        {http.MethodGet, bySignedLink, (*Handler).report},
	"/report":  {http.MethodGet, bySignedLink, (*Handler).report},
	"/link":    {http.MethodGet, byToken, (*Handler).link},
	"/notify":  {http.MethodPost, byToken, (*Handler).notify},
	"/healthz": {http.MethodGet, byEverybody, (*Handler).healthy},
}

func (h *Handler) route(path string) (route, bool) {
	if r, ok := routes[path]; ok {
		return r, true
	}
	for _, c := range h.Commands {
		if c.Path() == path {
			return route{http.MethodPost, byEverybody, func(h *Handler, w http.ResponseWriter, r *http.Request) { h.command(w, r, c) }}, true
		}
	}
	if slices.ContainsFunc(formats, func(f format) bool { return f.path == path }) {
		return routes["/report"], true
	}
	return route{}, false
}

// routesForm lists what there is, for who asks for something else.
func (h *Handler) routesForm() string {
	form := "GET / or /report"
	for _, f := range formats {
		form += ", " + f.path
	}
	form += " (" + strings.Join(slices.Sorted(maps.Keys(parameters)), ", ") + "), GET /link, POST /notify, GET /healthz"
	for _, c := range h.Commands {
		form += ", POST " + c.Path()
	}
	return form
}

// headers for answers of every kind, as OWASP lists them for an API; the page
// has a policy of its own.
// https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html#security-headers
var headers = map[string]string{
	"Cache-Control":                     "no-store",
	"Content-Security-Policy":           "default-src 'none'; frame-ancestors 'none'",
	"Cross-Origin-Opener-Policy":        "same-origin",
	"Cross-Origin-Resource-Policy":      "same-origin",
	"Permissions-Policy":                "interest-cohort=()",
	"Referrer-Policy":                   "no-referrer",
	"Strict-Transport-Security":         "max-age=31536000",
	"Vary":                              "Accept, Authorization",
	"X-Content-Type-Options":            "nosniff",
	"X-Frame-Options":                   "DENY",
	"X-Permitted-Cross-Domain-Policies": "none",
}

// ServeHTTP answers the HTTP trigger and the command serve. Looking is free,
// posting is asked for.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for name, value := range headers {
		w.Header().Set(name, value)
	}
	route, ok := h.route(r.URL.Path)
	switch {
	case r.ContentLength > maxRequestBytes:
		bodyTooLarge(w)
		return
	case ok && route.access == byEverybody:
	case ok && route.access == bySignedLink && isLink(r): // the route checks it, when it knows the format
	case !h.authorised(w, r):
		return
	}
	switch {
	case !ok:
		writeError(w, http.StatusNotFound, "NotFound", "there is "+h.routesForm())
	case r.Method != route.method && !(r.Method == http.MethodHead && route.method == http.MethodGet):
		allow := route.method
		if allow == http.MethodGet {
			allow = "GET, HEAD"
		}
		w.Header().Set("Allow", allow)
		writeError(w, http.StatusMethodNotAllowed, "MethodNotAllowed", r.URL.Path+" takes "+route.method)
	case new(http.CrossOriginProtection).Check(r) != nil:
		writeError(w, http.StatusForbidden, "CrossOrigin", "a page of another site asks for this")
	default:
		route.serve(h, w, r)
	}
}

// maxRequestBytes bounds the body of a request: an ask has a few hundred.
const maxRequestBytes = 64 << 10

// readBody answers where there is none to be had.
func readBody(w http.ResponseWriter, r *http.Request) (body []byte, ok bool) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequestBytes+1))
	switch {
	case err != nil:
		writeError(w, http.StatusBadRequest, "InvalidBody", "the body cannot be read")
	case len(body) > maxRequestBytes:
		bodyTooLarge(w)
	default:
		return body, true
	}
	return nil, false
}

func bodyTooLarge(w http.ResponseWriter) {
	writeError(w, http.StatusRequestEntityTooLarge, "BodyTooLarge", fmt.Sprintf("the body is larger than %d kB", maxRequestBytes>>10))
}

func (h *Handler) badQuery(w http.ResponseWriter, err error) {
	if errors.Is(err, errNotAcceptable) {
		writeError(w, http.StatusNotAcceptable, "NotAcceptable", oneLine(err))
		return
	}
	writeError(w, http.StatusBadRequest, "InvalidParameter", oneLine(err))
}

func writeJSON(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

func writeError(w http.ResponseWriter, status int, code, message string) {
	writeJSON(w, status, errorJSON(code, message))
}

func errorJSON(code, message string) []byte {
	b, _ := json.Marshal(map[string]any{"error": map[string]string{"code": code, "message": message}})
	return b
}
