package handler

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/report"
	"matrix-expiry-report/templates"
)

// routes by path; a path has one method (HEAD goes with GET).
var routes = map[string]struct {
	method string
	open   bool // answers without credentials
	serve  func(*Handler, http.ResponseWriter, *http.Request)
}{
	"/":            {http.MethodGet, false, (*Handler).look},
	"/report":      {http.MethodGet, false, (*Handler).look},
	"/report.json": {http.MethodGet, false, (*Handler).look},
	"/report.txt":  {http.MethodGet, false, (*Handler).look},
	"/notify":      {http.MethodPost, false, (*Handler).notify},
	"/healthz":     {http.MethodGet, true, (*Handler).healthy},
}

const routesForm = "GET / or /report (?format=json or txt, ?days=, ?region=, ?severity=, ?lang=), POST /notify, GET /healthz"

// maxRequestBytes bounds the body of a request: an ask has a few hundred.
const maxRequestBytes = 64 << 10

// ServeHTTP answers the HTTP trigger and the command serve. Looking is free,
// posting is asked for.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	route, ok := routes[r.URL.Path]
	switch {
	case ok && route.open:
	case !h.authorised(w, r):
		return
	}
	switch {
	case !ok:
		writeError(w, http.StatusNotFound, "NotFound", "there is "+routesForm)
	case r.Method != route.method && !(r.Method == http.MethodHead && route.method == http.MethodGet):
		w.Header().Set("Allow", route.method)
		writeError(w, http.StatusMethodNotAllowed, "MethodNotAllowed", r.URL.Path+" takes "+route.method)
	default:
		route.serve(h, w, r)
	}
}

// authorised tells whether the caller may look and post, and answers where
// not. A token is wanted wherever one is set.
func (h *Handler) authorised(w http.ResponseWriter, r *http.Request) bool {
	if h.Settings.HTTPToken == "" {
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
		h.logger(r.Context()).Warn("refused", "trigger", "http", "path", r.URL.Path, "from", r.RemoteAddr)
		writeError(w, http.StatusForbidden, "AccessDenied", "not the token of HTTP_TOKEN")
		return false
	}
	return true
}

func (h *Handler) healthy(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, []byte(`{"status":"ok"}`))
}

// look answers with a report and tells nobody.
func (h *Handler) look(w http.ResponseWriter, r *http.Request) {
	q, err := readQuery(r)
	if err == nil {
		var j job
		if j, err = h.with(q.ask); err == nil {
			h.answer(w, r, j, q)
			return
		}
	}
	writeError(w, http.StatusBadRequest, "InvalidParameter", oneLine(err))
}

func (h *Handler) answer(w http.ResponseWriter, r *http.Request, j job, q query) {
	rep, _ := h.run(r.Context(), h.logger(r.Context()).With("trigger", "http"), j)
	if rep.Failed() {
		writeError(w, http.StatusBadGateway, "ListingFailed", problemsText(rep))
		return
	}
	if len(q.severities) > 0 {
		rep = rep.Only(q.severities)
	}
	if q.format == "txt" {
		var b bytes.Buffer
		if err := templates.Text(&b, rep, Options(j.settings), false); err != nil {
			writeError(w, http.StatusInternalServerError, "InternalError", err.Error())
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write(b.Bytes())
		return
	}
	b, err := json.Marshal(rep)
	if err != nil {
		writeError(w, http.StatusInternalServerError, "InternalError", err.Error())
		return
	}
	writeJSON(w, http.StatusOK, b)
}

// notify posts, and answers with the report and its deliveries.
func (h *Handler) notify(w http.ResponseWriter, r *http.Request) {
	q, err := readQuery(r)
	if err != nil {
		writeError(w, http.StatusBadRequest, "InvalidParameter", oneLine(err))
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequestBytes+1))
	switch {
	case err != nil:
		writeError(w, http.StatusBadRequest, "InvalidBody", "the body cannot be read")
		return
	case len(body) > maxRequestBytes:
		writeError(w, http.StatusRequestEntityTooLarge, "BodyTooLarge", fmt.Sprintf("the body is larger than %d kB", maxRequestBytes>>10))
		return
	}
	a := q.ask
	if len(bytes.TrimSpace(body)) > 0 {
		if a, err = readAsk(body); err != nil {
			writeError(w, http.StatusBadRequest, "InvalidBody", "the body is not "+oneLine(err))
			return
		}
	}
	j, err := h.with(a)
	if err != nil {
		writeError(w, http.StatusBadRequest, "InvalidParameter", oneLine(err))
		return
	}
	j.post, j.key = a.Post == nil || *a.Post, requestID(r.Context())
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

func problemsText(r report.Report) string {
	var all []string
	for _, p := range r.Problems {
		all = append(all, strings.TrimSpace(fmt.Sprintf("%s %s: %s", p.Endpoint, p.Code, p.Message)))
	}
	return strings.Join(all, "; ")
}

// A query is what the address of a request asks for.
type query struct {
	ask
	format     string
	severities []report.Severity
}

var formats = map[string]string{"json": "application/json", "txt": "text/plain"}

func readQuery(r *http.Request) (query, error) {
	var q query
	var errs []error
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return q, errors.New("the query cannot be read")
	}
	for name, all := range values {
		v := strings.Join(all, ",")
		switch name {
		case "days":
			n, err := strconv.Atoi(v)
			if err != nil {
				errs = append(errs, fmt.Errorf("days: %q is not a whole number from 0 to %d", v, config.MaxDays))
			}
			q.Days = &n
		case "region":
			q.Regions = strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ' ' })
		case "lang":
			q.Language = v
			if !slices.Contains(config.Languages, v) {
				errs = append(errs, fmt.Errorf("lang: %q is not one of %s", v, strings.Join(config.Languages, ", ")))
			}
		case "severity":
			for s := range strings.SplitSeq(v, ",") {
				if !slices.Contains(report.Severities, report.Severity(s)) {
					errs = append(errs, fmt.Errorf("severity: %q is not one of critical, warning, notice", s))
				}
				q.severities = append(q.severities, report.Severity(s))
			}
		case "format":
			q.format = v
			if _, ok := formats[v]; !ok {
				errs = append(errs, fmt.Errorf("format: %q is not one of json, txt", v))
			}
		default:
			errs = append(errs, fmt.Errorf("%s: there is days, region, severity, lang and format", name))
		}
	}
	if q.format == "" {
		q.format = formatOf(r)
	}
	return q, errors.Join(errs...)
}

// formatOf goes by the path's suffix, then by what the caller accepts.
func formatOf(r *http.Request) string {
	if _, suffix, ok := strings.Cut(r.URL.Path, "."); ok {
		return suffix
	}
	if accept := r.Header.Get("Accept"); strings.Contains(accept, formats["txt"]) && !strings.Contains(accept, formats["json"]) {
		return "txt"
	}
	return "json"
}

func writeJSON(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

func writeError(w http.ResponseWriter, status int, code, message string) {
	writeJSON(w, status, errorJSON(code, message))
}
