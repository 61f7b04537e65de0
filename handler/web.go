package handler

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/page"
	"matrix-expiry-report/report"
)

// A route answers one path, by one method (HEAD goes with GET).
type route struct {
	method string
	access access
	serve  func(*Handler, http.ResponseWriter, *http.Request)
}

type access int

const (
	byToken      access = iota // or by the trigger, where that authenticates callers
	bySignedLink               // or by token
	byEverybody
)

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

// maxRequestBytes bounds the body of a request: an ask has a few hundred.
const maxRequestBytes = 64 << 10

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

// authorised tells whether the caller may look and post, and answers where
// not. A token is wanted wherever one is set.
func (h *Handler) authorised(w http.ResponseWriter, r *http.Request) bool {
	if h.Settings.HTTPToken == "" {
		if h.Settings.HTTPAuth == config.TriggerAuth && len(h.Commands) > 0 {
			writeError(w, http.StatusForbidden, "AccessDenied", "with questions from a chat the trigger lets everybody through, so HTTP_AUTH=trigger says nothing: set HTTP_TOKEN")
			return false
		}
		if h.Settings.HTTPAuth == config.TriggerAuth {
			return true
		}
		writeError(w, http.StatusForbidden, "AccessDenied", "nothing is answered until HTTP_TOKEN is set, or HTTP_AUTH=trigger where the trigger authenticates callers")
		return false
	}
	given := r.Header.Get("Authorization")
	if given == "" {
		w.Header().Set("WWW-Authenticate", "Bearer")
		writeError(w, http.StatusUnauthorized, "Unauthorized", "send the token of HTTP_TOKEN: Authorization: Bearer …")
		return false
	}
	scheme, token, _ := strings.Cut(given, " ")
	got, want := sha256.Sum256([]byte(strings.TrimSpace(token))), sha256.Sum256([]byte(h.Settings.HTTPToken.Reveal()))
	if subtle.ConstantTimeCompare(got[:], want[:]) != 1 || !strings.EqualFold(scheme, "Bearer") {
		h.refuse(w, r, "not the token of HTTP_TOKEN")
		return false
	}
	return true
}

// refusalTime is what a wrong token costs whoever tries.
const refusalTime = time.Second

// refuse answers a caller who showed something wrong: slowly, and without a
// word of it in the log.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, why string) {
	h.logger(r.Context()).Warn("refused", "trigger", "http", "path", r.URL.Path, "from", r.RemoteAddr, "why", why)
	select {
	case <-time.After(refusalTime):
	case <-r.Context().Done():
	}
	writeError(w, http.StatusForbidden, "AccessDenied", why)
}

func (h *Handler) healthy(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, []byte(`{"status":"ok"}`))
}

// rowsAPage is how many matrices one answer lists with all=1, findingsAPage how
// many findings a browser is shown at a time: 3 MB.
const rowsAPage, findingsAPage = 1000, 5000

// report answers with a report and tells nobody.
func (h *Handler) report(w http.ResponseWriter, r *http.Request) {
	q, err := readQuery(r)
	if isLink(r) {
		if err := h.checkLink(q.format, q); err != nil {
			h.refuse(w, r, err.Error())
			return
		}
	}
	var j job
	if err == nil {
		j, err = h.with(q.ask)
	}
	if err != nil {
		h.badQuery(w, err)
		return
	}
	a, err := h.answer(r.Context(), j, q)
	switch {
	case err != nil:
		h.badQuery(w, err)
		return
	case a.report.Failed():
		writeError(w, http.StatusBadGateway, "ListingFailed", problemsText(a.report))
		return
	}
	a.path, a.values = r.URL.Path, r.URL.Query()
	f := formatNamed(q.format)
	var body bytes.Buffer
	if err := f.write(&body, a); err != nil {
		h.logger(r.Context()).Error("writing the report", "trigger", "http", "format", f.name, "error", err.Error())
		writeError(w, http.StatusInternalServerError, "InternalError", "the report could not be written as "+f.name)
		return
	}
	if f.name == "html" {
		w.Header().Set("Content-Security-Policy", page.Policy())
	}
	if f.file != "" {
		// Not attachment, which the platform's own domains do not let through.
		w.Header().Set("Content-Disposition", `inline; filename="`+f.fileName(a.report)+`"`)
	}
	if q.page < a.pages {
		w.Header().Set("Link", nextPage(r.URL, q.page+1))
	}
	w.Header().Set("X-Report-Complete", strconv.FormatBool(a.report.Complete)) // some formats have no place for it
	w.Header().Set("Age", strconv.Itoa(int(a.age/time.Second)))
	w.Header().Set("Content-Type", f.contentType)
	_, _ = w.Write(body.Bytes())
}

// nextPage is a Link header (RFC 8288).
func nextPage(u *url.URL, page int) string {
	values := u.Query()
	values.Set("page", strconv.Itoa(page))
	return "<" + (&url.URL{Path: u.Path, RawQuery: values.Encode()}).String() + `>; rel="next"`
}

func (h *Handler) badQuery(w http.ResponseWriter, err error) {
	if errors.Is(err, errNotAcceptable) {
		writeError(w, http.StatusNotAcceptable, "NotAcceptable", oneLine(err))
		return
	}
	writeError(w, http.StatusBadRequest, "InvalidParameter", oneLine(err))
}

// answer finds what the query asks for; an error says what is wrong with it.
func (h *Handler) answer(ctx context.Context, j job, q query) (answer, error) {
	log := h.logger(ctx).With("trigger", "http")
	tag, whole := j.settings.OwnerTag, q.all || q.format == "metrics"
	l := h.look(ctx, log, wish{regions: j.settings.Regions, rules: j.settings.Rules, ownerTag: tag, whole: whole, haste: q.haste})
	l.Problems = append(slices.Clone(l.Problems), emptyRegions(j.settings.Regions, l.Listing)...)
	a := answer{
		report: report.Build(j.settings.Rules, l.Listing, l.at), query: q, pages: 1,
		options: Options(j.settings), owners: l.owners, age: max(0, h.Now().Sub(l.at)), took: l.took,
	}
	if err := oneOf(q.owners, a.owners); err != nil { // one that is misspelt would look like one with nothing to do
		return answer{}, fmt.Errorf("owner: %w", err)
	}
	h.logReport(log, l.Listing, a.report, l.took, a.age)
	wanted := func(f report.Finding) bool { return q.wants(f, tag) }
	found := a.report.Findings
	if a.report = a.report.Filter(wanted); len(a.report.Findings) < len(found) {
		a.options.Needing = len(found)
	}
	a.rows = a.report.Findings
	if whole {
		a.rows = slices.DeleteFunc(j.settings.Rules.AllMatrices(found, l.Listing, l.at), func(f report.Finding) bool { return !wanted(f) })
	}
	if q.format == "metrics" || !q.all && q.format != "html" {
		return a, nil
	}
	size := map[bool]int{true: rowsAPage, false: findingsAPage}[q.all]
	a.pages = max(1, (len(a.rows)+size-1)/size)
	if q.page > a.pages {
		return a, fmt.Errorf("page: there are %d", a.pages)
	}
	a.rows = a.rows[(q.page-1)*size : min(q.page*size, len(a.rows))]
	return a, nil
}

// notify posts, and answers with the report and its deliveries.
func (h *Handler) notify(w http.ResponseWriter, r *http.Request) {
	q, err := readQuery(r)
	if err != nil && !errors.Is(err, errNotAcceptable) {
		h.badQuery(w, err)
		return
	}
	body, ok := readBody(w, r)
	if !ok {
		return
	}
	for _, name := range []string{"severity", "reason", "owner", "all", "page", "format", "until", "signature"} {
		if r.URL.Query().Has(name) {
			h.badQuery(w, fmt.Errorf("%s: what is posted is the whole report; there is days, region and lang", name))
			return
		}
	}
	a := q.ask
	if len(bytes.TrimSpace(body)) > 0 {
		said, err := readAsk(body)
		if err != nil {
			writeError(w, http.StatusBadRequest, "InvalidBody", "the body is not "+oneLine(err))
			return
		}
		if said.Days == nil { // what the body does not say, the query may
			said.Days = a.Days
		}
		if len(said.Regions) == 0 {
			said.Regions = a.Regions
		}
		said.Language = cmp.Or(said.Language, a.Language)
		a = said
	}
	j, err := h.with(a)
	if err != nil {
		writeError(w, http.StatusBadRequest, "InvalidParameter", oneLine(err))
		return
	}
	j.post, j.key = a.Post == nil || *a.Post, cmp.Or(requestID(r.Context()), h.Now().UTC().Format(time.RFC3339Nano))
	rep, err := h.run(r.Context(), h.logger(r.Context()).With("trigger", "http"), j)
	status := http.StatusOK
	if err != nil || slices.ContainsFunc(rep.Deliveries, func(d report.Delivery) bool { return !d.Delivered }) {
		status = http.StatusBadGateway
	}
	if err != nil && len(rep.Deliveries) == 0 {
		writeError(w, status, "NoChannel", err.Error())
		return
	}
	b, err := json.Marshal(rep)
	if err != nil {
		writeError(w, http.StatusInternalServerError, "InternalError", err.Error())
		return
	}
	writeJSON(w, status, b)
}

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

func problemsText(r report.Report) string {
	var all []string
	for _, p := range r.Problems {
		all = append(all, strings.TrimSpace(fmt.Sprintf("%s %s: %s", p.Endpoint, p.Code, p.Message)))
	}
	return strings.Join(all, "; ")
}

func writeJSON(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

func writeError(w http.ResponseWriter, status int, code, message string) {
	writeJSON(w, status, errorJSON(code, message))
}
