package handler

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// A route answers the requests that match its pattern.
type route struct {
	pattern string // of [http.ServeMux], with a method; GET matches HEAD, too
	access  access
	serve   func(*Handler, *response, *http.Request)
}

// routes lists the routes that every handler has. The formats and the commands
// have routes of their own.
var routes = []route{
	{"GET /{$}", allowsSignedLink, (*Handler).serveReport},
	{"GET /report", allowsSignedLink, (*Handler).serveReport},
	{"GET /link", needsToken, (*Handler).serveLink},
	{"POST /notify", needsToken, (*Handler).serveNotify},
	{"GET /healthz", public, (*Handler).serveHealth},
}

// String returns the method and the path of the route.
func (r route) String() string { return strings.TrimSuffix(r.pattern, "{$}") }

// path returns the path of the route.
func (r route) path() string {
	_, path, _ := strings.Cut(r.String(), " ")
	return path
}

// A router finds the route of a request.
type router struct {
	routes []route
	mux    *http.ServeMux // its handlers are never called
}

// newRouter returns a router for the routes of the program, the formats and the
// commands.
func newRouter(commands []Command) *router {
	rt := &router{routes: append([]route{}, routes...), mux: http.NewServeMux()}
	for _, f := range formats {
		rt.routes = append(rt.routes, route{"GET " + f.path, allowsSignedLink, (*Handler).serveReport})
	}
	for _, c := range commands {
		serve := func(h *Handler, w *response, r *http.Request) { h.serveCommand(w, r, c) }
		rt.routes = append(rt.routes, route{"POST " + c.Path(), public, serve})
	}
	for _, r := range rt.routes {
		rt.mux.Handle(r.pattern, http.NotFoundHandler())
	}
	return rt
}

// access returns what the route of a path requires of its callers, whatever the
// method. A path without a route needs a token.
func (rt *router) access(path string) access {
	for _, r := range rt.routes {
		if r.path() == path {
			return r.access
		}
	}
	return needsToken
}

// find returns the route of a request. If there is none, it returns a status of
// 404, or of 405 and the methods that the path allows.
func (rt *router) find(r *http.Request) (found route, status int, allow string) {
	handler, pattern := rt.mux.Handler(r)
	for _, route := range rt.routes {
		if route.pattern == pattern && route.path() == r.URL.Path { // the mux would redirect //report to /report
			return route, http.StatusOK, ""
		}
	}
	res := newResponse(0)
	handler.ServeHTTP(res, r)
	if res.status == http.StatusMethodNotAllowed {
		return route{}, res.status, res.header.Get("Allow")
	}
	return route{}, http.StatusNotFound, ""
}

// valid lists the routes, for a request that matches none.
func (rt *router) valid() string {
	names := make([]string, len(rt.routes))
	for i, r := range rt.routes {
		names[i] = r.String()
	}
	return strings.Join(names, ", ")
}

// headers are those of every response, as OWASP recommends them for an API. The
// page replaces the policy.
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

// ServeHTTP answers a request of the HTTP trigger or of the command serve.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	res := newResponse(0)
	h.serve(res, r)
	res.writeTo(w)
}

// serve authenticates the caller and answers the request.
func (h *Handler) serve(w *response, r *http.Request) {
	for name, value := range headers {
		w.header.Set(name, value)
	}
	h.routerOnce.Do(func() { h.router = newRouter(h.Commands) })
	if r.ContentLength > maxRequestBytes {
		writeBodyTooLarge(w)
		return
	}
	if !h.authorize(w, r, h.router.access(r.URL.Path)) {
		return
	}
	route, status, allow := h.router.find(r)
	switch {
	case status == http.StatusNotFound:
		writeError(w, status, "NotFound", "not found; available: "+h.router.valid())
	case status == http.StatusMethodNotAllowed:
		w.header.Set("Allow", allow)
		writeError(w, status, "MethodNotAllowed", "method not allowed; available: "+h.router.valid())
	case new(http.CrossOriginProtection).Check(r) != nil:
		writeError(w, http.StatusForbidden, "CrossOrigin", "cross-origin request refused")
	default:
		route.serve(h, w, r)
	}
}

// maxRequestBytes bounds the body of a request; a usual one has a few hundred
// bytes.
const maxRequestBytes = 64 << 10

// readBody returns the body of a request. If it cannot, it writes the error
// response and returns false.
func readBody(w *response, r *http.Request) (body []byte, ok bool) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequestBytes+1))
	switch {
	case err != nil:
		writeError(w, http.StatusBadRequest, "InvalidBody", "the body cannot be read")
	case len(body) > maxRequestBytes:
		writeBodyTooLarge(w)
	default:
		return body, true
	}
	return nil, false
}

func writeBodyTooLarge(w *response) {
	writeError(w, http.StatusRequestEntityTooLarge, "BodyTooLarge", fmt.Sprintf("the body is larger than %d kB", maxRequestBytes>>10))
}

// writeQueryError answers a request whose query or headers are invalid.
func writeQueryError(w *response, err error) {
	if errors.Is(err, errNotAcceptable) {
		writeError(w, http.StatusNotAcceptable, "NotAcceptable", oneLine(err))
		return
	}
	writeError(w, http.StatusBadRequest, "InvalidParameter", oneLine(err))
}

func writeJSON(w *response, status int, body []byte) {
	w.header.Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

func writeError(w *response, status int, code, message string) {
	writeJSON(w, status, errorJSON(code, message))
}

// errorJSON returns the JSON of an error response.
func errorJSON(code, message string) []byte {
	return encode(map[string]any{"error": map[string]string{"code": code, "message": message}})
}

// encode returns the JSON of strings and maps. It does not escape for HTML:
// people copy URLs from it.
func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // cannot fail
	return bytes.TrimSpace(b.Bytes())
}
