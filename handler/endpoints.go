package handler

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/internal/page"
	"matrix-expiry-report/report"
)

// An answer is what a look has found, for a format to write.
type answer struct {
	report  report.Report    // what the query asks for of it
	rows    []report.Finding // what tables list: the findings, or a page of all matrices
	query   query
	pages   int
	options message.Options
	owners  []string      // of all matrices
	path    string        // that was asked for
	age     time.Duration // since the matrices were listed
	took    time.Duration // to list them
	values  url.Values    // the query as it came, for links
}

// listed is the report with the rows for its findings, for formats that have
// no other place for them.
func (a answer) listed() report.Report {
	r := a.report
	r.Findings = a.rows
	return r
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

func problemsText(r report.Report) string {
	var all []string
	for _, p := range r.Problems {
		all = append(all, strings.TrimSpace(fmt.Sprintf("%s %s: %s", p.Endpoint, p.Code, p.Message)))
	}
	return strings.Join(all, "; ")
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

func (h *Handler) healthy(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, []byte(`{"status":"ok"}`))
}
