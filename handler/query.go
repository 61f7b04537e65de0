package handler

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// A query is the parsed query of a URL, or a parsed command.
type query struct {
	request
	format     string
	severities []report.Severity
	reasons    []report.Reason
	owner      string   // a list of owners, as given
	owners     []string // that owner names
	ignored    bool     // the findings that are left out, not the others
	all        bool     // every matrix, not only the findings
	page       int      // of the rows, from 1
	since      string   // the day from which to compare
	until      string
	signature  string
	selection  url.Values // the parameters that a signed link covers, in one form
}

// A parameter parses a query parameter.
type parameter struct {
	traits  trait
	allowed func() []string // its values; nil if set checks them
	set     func(q *query, values []string) error
}

// A trait is a property of a query parameter.
type trait int

const (
	selects  trait = 1 << iota // reports and links have it
	notify                     // POST /notify has it
	historic                   // GET /history has it
	unsigned                   // a signed link may change it
	unsplit                    // its value may have commas
)

// parameters holds the query parameters by name. Everything else is refused.
var parameters = map[string]parameter{
	"days": {selects | notify, nil, func(q *query, values []string) (err error) {
		q.Days = new(int) // its bounds are checked with the overrides
		*q.Days, err = wholeNumber(values, math.MinInt, fmt.Sprint("from 0 to ", config.MaxDays))
		return err
	}},
	"region":   {selects | notify, nil, func(q *query, values []string) error { q.Regions = values; return nil }},
	"lang":     {selects | notify | historic | unsigned, locale.Languages, func(q *query, values []string) error { q.Language = values[0]; return nil }},
	"severity": {selects, severityNames, func(q *query, values []string) error { q.severities = as[report.Severity](values); return nil }},
	"reason":   {selects, reasonNames, func(q *query, values []string) error { q.reasons = as[report.Reason](values); return nil }},
	"owner":    {selects | unsplit, nil, func(q *query, values []string) error { q.owner = values[0]; return nil }},
	"format":   {selects | unsigned, formatNames, func(q *query, values []string) error { q.format = values[0]; return nil }},
	"ignored":  {selects, zeroOrOne, func(q *query, values []string) error { q.ignored = values[0] == "1"; return nil }},
	"all":      {selects, zeroOrOne, func(q *query, values []string) error { q.all = values[0] == "1"; return nil }},
	"page": {selects | unsigned, nil, func(q *query, values []string) (err error) {
		q.page, err = wholeNumber(values, 1, "from 1")
		return err
	}},
	"until": {selects | unsigned, nil, func(q *query, values []string) error {
		q.until = values[0]
		return checkDay(values)
	}},
	"since": {historic, nil, func(q *query, values []string) error {
		q.since = values[0]
		return checkDay(values)
	}},
	"signature": {selects | unsigned, nil, func(q *query, values []string) error { q.signature = values[0]; return nil }},
}

// checkDay returns an error unless the values are one day.
func checkDay(values []string) error {
	if _, err := time.Parse(time.DateOnly, strings.Join(values, ",")); err != nil {
		return fmt.Errorf("%q is not a day such as 2027-01-31", strings.Join(values, ","))
	}
	return nil
}

func zeroOrOne() []string { return []string{"0", "1"} }

func severityNames() []string { return as[string](report.Severities) }

func reasonNames() []string { return as[string](report.Reasons()) }

// wholeNumber parses one number that is at least lowest.
func wholeNumber(values []string, lowest int, bounds string) (int, error) {
	n, err := strconv.Atoi(values[0])
	if err != nil || n < lowest || len(values) > 1 {
		return 0, fmt.Errorf("%q is not a whole number %s", strings.Join(values, ","), bounds)
	}
	return n, nil
}

// as converts strings of one type to another.
func as[To, From ~string](values []From) []To {
	out := make([]To, len(values))
	for i, v := range values {
		out[i] = To(v)
	}
	return out
}

// parse sets a parameter of the query from its value, or from its values joined
// by commas, around which there may be spaces. It ignores an empty one, as a form
// sends it.
func (q *query) parse(name, joined string) error {
	p := parameters[name]
	values := splitList(joined)
	if len(values) == 0 {
		return nil
	}
	if p.traits&unsplit != 0 {
		values = []string{joined}
	}
	if p.traits&unsigned == 0 {
		q.selection.Set(name, strings.Join(values, ","))
	}
	for _, v := range values {
		if p.allowed != nil && !slices.Contains(p.allowed(), v) {
			return fmt.Errorf("%s: %q is not one of %s", name, v, strings.Join(p.allowed(), ", "))
		}
	}
	if err := p.set(q, values); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// parseQuery parses the query of a request, whose parameters have the needed trait:
// selects for a report or a link, notify or historic. An unknown parameter of a signed link is ignored:
// chats and mail programs add their own. The error joins everything that is wrong.
func parseQuery(r *http.Request, needed trait) (query, error) {
	q := query{page: 1, selection: url.Values{}}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return q, errors.New("malformed query")
	}
	valid := maps.Clone(parameters)
	maps.DeleteFunc(valid, func(_ string, p parameter) bool { return p.traits&needed != needed })
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if _, ok := valid[name]; ok {
			errs = append(errs, q.parse(name, strings.Join(values[name], ","))) // as the platform joins repeated ones
		} else if needed != selects || !values.Has("signature") {
			names := strings.Join(slices.Sorted(maps.Keys(valid)), ", ")
			errs = append(errs, fmt.Errorf("%s: not a parameter of %s; available: %s", name, r.URL.Path, names))
		}
	}
	if q.format == "" && needed == selects {
		q.format, err = negotiateFormat(r)
		errs = append(errs, err)
	}
	if q.all && q.ignored {
		errs = append(errs, errors.New("all: lists what ignored=1 lists, too; leave one of them out"))
	}
	if q.all && q.format == "txt" {
		errs = append(errs, errors.New("all: not available as txt; use csv, md, html or json"))
	}
	return q, errors.Join(errs...)
}

// splitList splits a list at commas. It returns no empty values.
func splitList(list string) (values []string) {
	for v := range strings.SplitSeq(list, ",") {
		if v = strings.TrimSpace(v); v != "" {
			values = append(values, v)
		}
	}
	return values
}

// splitOwners returns the known owners in a list, with names as the page shows them.
// A comma may belong to a name, so that longer names are found first. An unknown
// owner is an error.
func splitOwners(list string, known []string) (owners []string, err error) {
	shown := func(s string) string { return "," + strings.Join(splitList(message.Clean(s)), ",") + "," }
	rest := shown(list)
	var found []string
	for _, owner := range slices.SortedFunc(slices.Values(known), func(a, b string) int { return len(b) - len(a) }) {
		for name := shown(owner); strings.Contains(rest, name); rest = strings.Replace(rest, name, ",", 1) {
			found = append(found, name)
		}
	}
	if unknown := strings.Trim(rest, ","); unknown != "" {
		err = fmt.Errorf("owner: %q is not the owner of a matrix", unknown)
	}
	return slices.DeleteFunc(slices.Clone(known), func(owner string) bool { return !slices.Contains(found, shown(owner)) }), err
}

// matches reports whether the query selects a finding.
func (q query) matches(f report.Finding, ownerTag string) bool {
	wanted := func(r report.Reason) bool { return slices.Contains(q.reasons, r) }
	return (len(q.severities) == 0 || slices.Contains(q.severities, f.Severity)) &&
		(len(q.reasons) == 0 || wanted(f.Reason) || slices.ContainsFunc(f.OtherReasons, wanted)) &&
		(q.owner == "" || slices.Contains(q.owners, f.Tags[ownerTag]))
}
