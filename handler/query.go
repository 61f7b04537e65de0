package handler

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/report"
)

// A query is the parsed query of a URL, or a parsed command.
type query struct {
	request
	format     string
	severities []report.Severity
	reasons    []report.Reason
	owners     []string
	all        bool // every matrix, not only the findings
	page       int  // of the rows, from 1
	until      string
	signature  string
	noWait     bool // an incomplete report in time is better than a complete one
}

// A target is a kind of route that query parameters apply to.
type target int

const (
	toReport target = 1 << iota
	toLink
	toNotify
)

// A parameter parses the values of a query parameter, of which there is at
// least one.
type parameter struct {
	targets target
	parse   func(q *query, values []string) error
}

// parameters holds the query parameters by name. Everything else is refused.
var parameters = map[string]parameter{
	"days": {toReport | toLink | toNotify, func(q *query, values []string) error {
		n, err := strconv.Atoi(values[0])
		if err != nil || len(values) > 1 {
			return fmt.Errorf("%q is not a whole number from 0 to %d", strings.Join(values, ","), config.MaxDays)
		}
		q.Days = &n // its bounds are checked with the overrides
		return nil
	}},
	"region": {toReport | toLink | toNotify, func(q *query, values []string) error {
		q.Regions = values
		return nil
	}},
	"lang": {toReport | toLink | toNotify, func(q *query, values []string) error {
		q.Language = values[0]
		return oneOf(values[:1], locale.Languages())
	}},
	"severity": {toReport | toLink, func(q *query, values []string) error {
		q.severities = as[report.Severity](values)
		return oneOf(values, as[string](report.Severities))
	}},
	"reason": {toReport | toLink, func(q *query, values []string) error {
		q.reasons = as[report.Reason](values)
		return oneOf(values, as[string](report.Reasons()))
	}},
	"owner": {toReport | toLink, func(q *query, values []string) error {
		q.owners = values
		return nil
	}},
	"format": {toReport | toLink, func(q *query, values []string) error {
		q.format = values[0]
		return oneOf(values[:1], formatNames())
	}},
	"all": {toReport | toLink, func(q *query, values []string) error {
		q.all = values[0] == "1"
		return oneOf(values[:1], []string{"0", "1"})
	}},
	"page": {toReport | toLink, func(q *query, values []string) error {
		n, err := strconv.Atoi(values[0])
		if err != nil || n < 1 || len(values) > 1 {
			return fmt.Errorf("%q is not a whole number from 1", strings.Join(values, ","))
		}
		q.page = n
		return nil
	}},
	"until": {toReport | toLink, func(q *query, values []string) error {
		q.until = values[0]
		if _, err := time.Parse(time.DateOnly, values[0]); err != nil {
			return fmt.Errorf("%q is not a day such as 2027-01-31", values[0])
		}
		return nil
	}},
	"signature": {toReport | toLink, func(q *query, values []string) error {
		q.signature = values[0]
		return nil
	}},
}

// as converts strings of one type to another.
func as[To, From ~string](values []From) []To {
	out := make([]To, len(values))
	for i, v := range values {
		out[i] = To(v)
	}
	return out
}

// oneOf returns an error if one of the values is not allowed.
func oneOf(values, allowed []string) error {
	for _, v := range values {
		if !slices.Contains(allowed, v) {
			return fmt.Errorf("%q is not one of %s", v, strings.Join(allowed, ", "))
		}
	}
	return nil
}

// parseQuery parses the query of a request to a kind of route. Values are split
// at commas. A parameter without a value, as a form sends it, is ignored. The
// error joins everything that is wrong.
func parseQuery(r *http.Request, to target) (query, error) {
	q := query{page: 1}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return q, errors.New("malformed query")
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(values)) {
		p := parameters[name]
		if p.targets&to == 0 {
			errs = append(errs, fmt.Errorf("%s: not a parameter of %s; available: %s", name, r.URL.Path, strings.Join(parameterNames(to), ", ")))
			continue
		}
		given := strings.FieldsFunc(strings.Join(values[name], ","), func(r rune) bool { return r == ',' })
		if len(given) == 0 {
			continue
		}
		if err := p.parse(&q, given); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	if q.format == "" && to != toNotify {
		q.format, err = negotiateFormat(r)
		errs = append(errs, err)
	}
	if q.all && q.format == "txt" {
		errs = append(errs, errors.New("all: not available as txt; use csv, md, html or json"))
	}
	return q, errors.Join(errs...)
}

// parameterNames returns the names of the parameters of a kind of route, sorted.
func parameterNames(to target) []string {
	var names []string
	for name, p := range parameters {
		if p.targets&to != 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// matches reports whether the query selects a finding.
func (q query) matches(f report.Finding, ownerTag string) bool {
	return (len(q.severities) == 0 || slices.Contains(q.severities, f.Severity)) &&
		(len(q.reasons) == 0 || slices.Contains(q.reasons, f.Reason) || slices.ContainsFunc(f.OtherReasons, func(r report.Reason) bool { return slices.Contains(q.reasons, r) })) &&
		(len(q.owners) == 0 || slices.Contains(q.owners, f.Tags[ownerTag]))
}
