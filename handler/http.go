package handler

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// A route answers the requests that match its pattern.
type route struct {
	pattern string // of [http.ServeMux], with a method; GET matches HEAD, too
	access  access
	serve   func(*Handler, *response, *http.Request) error
}

// routes lists the routes that every handler has. The formats and the commands
// have routes of their own.
var routes = []route{
	{"GET /{$}", allowsSignedLink, (*Handler).serveReport},
	{"GET /report", allowsSignedLink, (*Handler).serveReport},
	{"GET /history", needsToken, (*Handler).serveHistory},
	{"GET /history.json", needsToken, (*Handler).serveHistory},
	{"GET /link", needsToken, (*Handler).serveLink},
	{"POST /notify", needsToken, (*Handler).serveNotify},
	{"GET /healthz", public, (*Handler).serveHealth},
}

// A router finds the route of a request.
type router struct {
	routes map[string]route // by path
	valid  []string         // the routes as method and path
	mux    *http.ServeMux   // checks the method; the handlers of its routes are never called
}

// newRouter returns a router for the routes of the program, the formats and the
// commands.
func newRouter(commands []Command) *router {
	all := slices.Clone(routes)
	for _, f := range formats {
		all = append(all, route{"GET " + f.path, allowsSignedLink, (*Handler).serveReport})
	}
	for _, c := range commands {
		serve := func(h *Handler, w *response, r *http.Request) error { return h.serveCommand(w, r, c) }
		all = append(all, route{"POST " + c.Path(), public, serve})
	}
	rt := &router{routes: map[string]route{}, mux: http.NewServeMux()}
	for _, r := range all {
		name := strings.TrimSuffix(r.pattern, "{$}")
		_, path, _ := strings.Cut(name, " ")
		rt.routes[path], rt.valid = r, append(rt.valid, name)
		rt.mux.Handle(r.pattern, http.NotFoundHandler())
	}
	return rt
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
	"Vary":                              "Accept, Accept-Encoding, Authorization",
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

// serve answers a request. An error replaces what was written, unless that is too
// large, which httpEvent answers. What is read is compressed if the client accepts
// it; the services that post commands get their replies as they document them.
func (h *Handler) serve(w *response, r *http.Request) {
	for name, value := range headers {
		w.header.Set(name, value)
	}
	if w.gzip = r.Method != http.MethodPost && acceptsGzip(r.Header); w.gzip {
		w.header.Set("Content-Encoding", "gzip")
	}
	if err := h.dispatch(w, r); err != nil && !w.tooLarge() {
		w.clear()
		h.writeError(w, r, err)
	}
	w.finish()
}

// dispatch authenticates the caller and calls the route of the request.
func (h *Handler) dispatch(w *response, r *http.Request) error {
	h.routerOnce.Do(func() { h.router = newRouter(h.Commands) })
	if r.ContentLength > maxRequestBytes {
		return errBodyTooLarge
	}
	route, found := h.router.routes[r.URL.Path] // a path without a route needs a token
	if err := h.authorize(w, r, route.access); err != nil {
		return err
	}
	if !found { // the mux would redirect //report to /report
		return httpError{http.StatusNotFound, "NotFound", "not found; available: " + strings.Join(h.router.valid, ", ")}
	}
	handler, pattern := h.router.mux.Handler(r)
	switch {
	case pattern == "":
		handler.ServeHTTP(w, r) // sets Allow
		return httpError{http.StatusMethodNotAllowed, "MethodNotAllowed", "method not allowed; available: " + strings.Join(h.router.valid, ", ")}
	case new(http.CrossOriginProtection).Check(r) != nil:
		return httpError{http.StatusForbidden, "CrossOrigin", "cross-origin request refused"}
	}
	return route.serve(h, w, r)
}

// maxRequestBytes bounds the body of a request; a usual one has a few hundred
// bytes.
const maxRequestBytes = 64 << 10

var errBodyTooLarge = httpError{http.StatusRequestEntityTooLarge, "BodyTooLarge", fmt.Sprintf("the body is larger than %d kB", maxRequestBytes>>10)}

// readBody returns the body of a request.
func readBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequestBytes+1))
	switch {
	case err != nil:
		return nil, httpError{http.StatusBadRequest, "InvalidBody", "the body cannot be read"}
	case len(body) > maxRequestBytes:
		return nil, errBodyTooLarge
	}
	return body, nil
}

// An httpError is an error that the caller gets as the response.
type httpError struct {
	status        int
	code, message string
}

func (e httpError) Error() string { return e.message }

// writeError writes the response for an error: a page for a browser, else JSON. An
// error of another type than httpError is that of an invalid query or header.
func (h *Handler) writeError(w *response, r *http.Request, err error) {
	e, ok := errors.AsType[httpError](err)
	switch {
	case ok:
	case errors.Is(err, errNotAcceptable):
		e = httpError{http.StatusNotAcceptable, "NotAcceptable", oneLine(err)}
	default:
		e = httpError{http.StatusBadRequest, "InvalidParameter", oneLine(err)}
	}
	w.status = e.status
	if acceptsPage(r) && h.writeErrorPage(w, r, e) == nil {
		return
	}
	w.clear()
	writeJSON(w, errorJSON(e.code, e.message))
}

func writeJSON(w *response, body []byte) {
	w.header.Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(append(body, '\n'))
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
