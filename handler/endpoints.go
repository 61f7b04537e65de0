package handler

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/internal/page"
	"matrix-expiry-report/internal/state"
	"matrix-expiry-report/report"
)

// A result is what a query selects from a report, for a format to write.
type result struct {
	report  report.Report    // with the selected findings
	rows    []report.Finding // of tables: a page of the findings or of all matrices
	query   query
	pages   int
	options message.Options
	owners  []string                                             // of all matrices
	url     *url.URL                                             // of the request
	link    func(format string, change map[string]string) string // see [Handler.pageLink]
	age     time.Duration                                        // of the listing
	took    time.Duration                                        // by the listing
	days    []report.Day                                         // of the last year
}

// withRows returns the report with the rows as its findings, for formats that
// write nothing but a table.
func (res result) withRows() report.Report {
	r := res.report
	r.Findings = res.rows
	return r
}

// The rows of a page: in HTML, so that a phone shows it within two seconds, and of
// all matrices in the other formats.
const (
	rowsPerPage     = 500
	matricesPerPage = 1000
)

// serveReport answers with a report. It notifies no channel.
func (h *Handler) serveReport(w *response, r *http.Request) error {
	q, err := parseQuery(r, selects)
	if isLink(r) {
		if err := h.checkLink(q); err != nil {
			return h.refuse(r, err.Error())
		}
	}
	if err != nil {
		return err
	}
	run, err := h.newRun(q.request)
	if err != nil {
		return err
	}
	res, err := h.findResult(r.Context(), run, q)
	switch {
	case err != nil:
		return err
	case res.report.Failed() && !acceptsPage(r):
		return httpError{http.StatusBadGateway, "ListingFailed", problemsText(res.report)}
	}
	res.url = r.URL
	res.link = func(format string, change map[string]string) string { return h.pageLink(r, q, format, change) }
	f := formatNamed(q.format)
	if res.report.Failed() {
		w.status, f = http.StatusBadGateway, formatNamed("html")
	}
	if err := f.write(w, res); err != nil {
		return h.writeFailed(w, r, f, err)
	}
	if f.name == "html" {
		w.header.Set("Content-Security-Policy", page.Policy())
	}
	if f.extension != "" { // inline, as the platform's domains do not pass attachment on
		name := "matrices-" + res.report.GeneratedAt.Format("20060102")
		if !res.report.Complete {
			name += "-incomplete"
		}
		w.header.Set("Content-Disposition", fmt.Sprintf(`inline; filename="%s.%s"`, name, f.extension))
	}
	if q.page < res.pages {
		w.header.Set("Link", nextPage(r.URL, q.page+1))
	}
	w.header.Set("X-Report-Complete", strconv.FormatBool(res.report.Complete)) // for formats that cannot express it
	if c, err := locale.Of(locale.Default); err == nil && !res.report.Complete {
		_, missing := message.Unread(res.report, c)
		w.header.Set("X-Report-Missing", missing)
	}
	w.header.Set("Age", strconv.Itoa(int(res.age/time.Second)))
	w.header.Set("Content-Type", f.contentType)
	return nil
}

// writeFailed logs why a report could not be written and returns the error for
// the caller.
func (h *Handler) writeFailed(w *response, r *http.Request, f format, err error) error {
	if !w.tooLarge() {
		h.logger(r.Context()).Error("writing the report", "trigger", "http", "format", f.name, "error", err.Error())
	}
	return httpError{http.StatusInternalServerError, "InternalError", "the report could not be written as " + f.name}
}

// nextPage returns a Link header to another page (RFC 8288).
func nextPage(u *url.URL, page int) string {
	values := u.Query()
	values.Set("page", strconv.Itoa(page))
	return "<" + (&url.URL{Path: u.Path, RawQuery: values.Encode()}).String() + `>; rel="next"`
}

// problemsText returns the problems of a report in one line.
func problemsText(r report.Report) string {
	var all []string
	for _, p := range r.Problems {
		all = append(all, strings.TrimSpace(fmt.Sprintf("%s %s: %s", p.Endpoint, p.Code, p.Message)))
	}
	return strings.Join(all, "; ")
}

// findResult returns what a query selects from the report of a run. The error
// states what is wrong with the query.
func (h *Handler) findResult(ctx context.Context, run runRequest, q query) (result, error) {
	log, start := h.logger(ctx).With("trigger", "http"), h.Now()
	rules, tag, whole := run.settings.Rules, run.settings.OwnerTag, q.all || q.format == "metrics" && !q.ignored
	l := h.cachedListing(ctx, log, run.settings, q.format == "chat")
	l.Problems = append(slices.Clone(l.Problems), emptyRegions(run.settings.Regions, l.Listing)...)
	res := result{
		report: report.Build(rules, l.Listing, l.at), query: q, pages: 1,
		options: Options(run.settings), owners: l.owners, age: max(0, h.Now().Sub(l.at)), took: l.took,
	}
	if !h.isPartial(run.settings) {
		res.report, res.days = l.memory.addTo(res.report), l.memory.days
	}
	if q.ignored {
		reported := len(res.report.Findings)
		res.report = report.BuildIgnored(rules, l.Listing, l.at)
		res.options.Needing, res.options.LeftOut = reported+len(res.report.Findings), true
	}
	h.logReport(log, l.Listing, res.report, l.took, h.Now().Sub(start))
	if res.report.Failed() {
		return res, nil
	}
	var err error
	q.owners, err = splitOwners(q.owner, res.owners)
	if err != nil && res.report.Complete { // a misspelt owner would seem to have no findings
		if q.signature == "" { // the holder of a link may not know the others
			err = fmt.Errorf("%w; owners: %s", err, strings.Join(res.owners, ", "))
		}
		return result{}, err
	}
	if q.format == "html" { // in the order of the groups on its top
		res.report.Findings = message.ByGroup(res.report)
	}
	matches := func(f report.Finding) bool { return q.matches(f, tag) }
	found := res.report.Findings
	if res.report = res.report.Filter(matches); len(res.report.Findings) < len(found) && !q.ignored {
		res.options.Needing = len(found)
	}
	res.rows = res.report.Findings
	if whole {
		res.rows = slices.DeleteFunc(rules.AllMatrices(found, l.Listing, l.at), func(f report.Finding) bool { return !matches(f) })
	}
	perPage := max(1, len(res.rows))
	if q.format == "html" {
		perPage = rowsPerPage
	} else if q.all && q.format != "metrics" {
		perPage = matricesPerPage
	}
	res.pages = max(1, (len(res.rows)+perPage-1)/perPage)
	if q.page > res.pages {
		return result{}, fmt.Errorf("page: %d is beyond the last page, %d", q.page, res.pages)
	}
	first := (q.page - 1) * perPage
	res.rows = res.rows[first:min(first+perPage, len(res.rows))]
	return res, nil
}

// serveNotify runs a report, delivers it, and answers with the report and its
// deliveries.
func (h *Handler) serveNotify(w *response, r *http.Request) error {
	q, err := parseQuery(r, notify)
	if err != nil {
		return err
	}
	if _, err := h.newRun(q.request); err != nil { // refused whatever the body replaces
		return err
	}
	body, err := readBody(r)
	if err != nil {
		return err
	}
	req, err := parseRequest(body)
	if err != nil {
		return httpError{http.StatusBadRequest, "InvalidBody", "invalid body: " + oneLine(err)}
	}
	req.Days = cmp.Or(req.Days, q.Days) // the body takes precedence over the query
	if len(req.Regions) == 0 {
		req.Regions = q.Regions
	}
	req.Language = cmp.Or(req.Language, q.Language)
	run, err := h.newRun(req)
	if err != nil {
		return err
	}
	run.key = cmp.Or(requestID(r.Context()), h.Now().UTC().Format(time.RFC3339Nano))
	rep, err := h.run(r.Context(), h.logger(r.Context()).With("trigger", "http"), run)
	if errors.Is(err, state.ErrBusy) {
		return httpError{http.StatusServiceUnavailable, "Busy", err.Error()}
	}
	if err != nil && len(rep.Deliveries) == 0 {
		return httpError{http.StatusBadGateway, "NoChannel", err.Error()}
	}
	if slices.ContainsFunc(rep.Deliveries, func(d report.Delivery) bool { return !d.Delivered }) {
		w.WriteHeader(http.StatusBadGateway)
	}
	w.header.Set("Content-Type", formats[0].contentType)
	if err := writeReport(w, rep); err != nil {
		return h.writeFailed(w, r, formats[0], err)
	}
	return nil
}

func (h *Handler) serveHealth(w *response, _ *http.Request) error {
	writeJSON(w, []byte(`{"status":"ok"}`))
	return nil
}
