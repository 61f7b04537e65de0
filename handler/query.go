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
	all        bool     // every matrix, not only the findings
	page       int      // of the rows, from 1
	until      string
	signature  string
	selection  url.Values // the parameters that a signed link covers, in one form
	noWait     bool       // an incomplete report in time is better than a complete one
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
	targets  target
	unsigned bool // a signed link may change it
	unsplit  bool // its values may have commas
	parse    func(q *query, values []string) error
}

// parameters holds the query parameters by name. Everything else is refused.
var parameters = map[string]parameter{
	"days": {targets: toReport | toLink | toNotify, parse: func(q *query, values []string) error {
		n, err := strconv.Atoi(values[0])
		if err != nil || len(values) > 1 {
			return fmt.Errorf("%q is not a whole number from 0 to %d", strings.Join(values, ","), config.MaxDays)
		}
		q.Days = &n // its bounds are checked with the overrides
		return nil
	}},
	"region": {targets: toReport | toLink | toNotify, parse: func(q *query, values []string) error {
		q.Regions = values
		return nil
	}},
	"lang": {targets: toReport | toLink | toNotify, unsigned: true, parse: func(q *query, values []string) error {
		q.Language = values[0]
		return oneOf(values[:1], locale.Languages())
	}},
	"severity": {targets: toReport | toLink, parse: func(q *query, values []string) error {
		q.severities = as[report.Severity](values)
		return oneOf(values, as[string](report.Severities))
	}},
	"reason": {targets: toReport | toLink, parse: func(q *query, values []string) error {
		q.reasons = as[report.Reason](values)
		return oneOf(values, as[string](report.Reasons()))
	}},
	"owner": {targets: toReport | toLink, unsplit: true, parse: func(q *query, values []string) error {
		q.owner = values[0]
		return nil
	}},
	"format": {targets: toReport | toLink, unsigned: true, parse: func(q *query, values []string) error {
		q.format = values[0]
		return oneOf(values[:1], formatNames())
	}},
	"all": {targets: toReport | toLink, parse: func(q *query, values []string) error {
		q.all = values[0] == "1"
		return oneOf(values[:1], []string{"0", "1"})
	}},
	"page": {targets: toReport | toLink, unsigned: true, parse: func(q *query, values []string) error {
		n, err := strconv.Atoi(values[0])
		if err != nil || n < 1 || len(values) > 1 {
			return fmt.Errorf("%q is not a whole number from 1", strings.Join(values, ","))
		}
		q.page = n
		return nil
	}},
	"until": {targets: toReport | toLink, unsigned: true, parse: func(q *query, values []string) error {
		q.until = values[0]
		if _, err := time.Parse(time.DateOnly, values[0]); err != nil {
			return fmt.Errorf("%q is not a day such as 2027-01-31", values[0])
		}
		return nil
	}},
	"signature": {targets: toReport | toLink, unsigned: true, parse: func(q *query, values []string) error {
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
// at commas, around which there may be spaces. A parameter without a value, as a
// form sends it, is ignored, and so is an unknown one of a signed link: chats and
// mail programs add their own. The error joins everything that is wrong.
func parseQuery(r *http.Request, to target) (query, error) {
	q := query{page: 1, selection: url.Values{}}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return q, errors.New("malformed query")
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(values)) {
		p := parameters[name]
		if p.targets&to == 0 {
			if to == toReport && values.Has("signature") {
				continue
			}
			errs = append(errs, fmt.Errorf("%s: not a parameter of %s; available: %s", name, r.URL.Path, strings.Join(parameterNames(to), ", ")))
			continue
		}
		joined := strings.Join(values[name], ",") // as the platform joins the values of a repeated parameter
		given := splitList(joined)
		if len(given) == 0 {
			continue
		}
		if p.unsplit {
			given = []string{joined}
		}
		if !p.unsigned {
			q.selection.Set(name, strings.Join(given, ","))
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

// splitList splits a list at commas. It returns no empty values.
func splitList(list string) (values []string) {
	for v := range strings.SplitSeq(list, ",") {
		if v = strings.TrimSpace(v); v != "" {
			values = append(values, v)
		}
	}
	return values
}

// splitOwners splits a list at those commas that do not belong to the name of a
// known owner, and returns the known owners in it. An unknown one is an error.
func splitOwners(list string, known []string) (owners []string, err error) {
	most := 1 // parts of a name
	for _, owner := range known {
		most = max(most, strings.Count(owner, ",")+1)
	}
	for parts := strings.Split(list, ","); len(parts) > 0; {
		n := min(most, len(parts))
		var found []string
		for ; n > 0 && len(found) == 0; n-- {
			name := strings.TrimSpace(strings.Join(parts[:n], ","))
			for _, owner := range known {
				if strings.TrimSpace(owner) == name || message.Clean(owner) == name { // as the page shows it
					found = append(found, owner)
				}
			}
		}
		if len(found) == 0 && strings.TrimSpace(parts[0]) != "" {
			err = errors.Join(err, fmt.Errorf("owner: %q is not the owner of a matrix", strings.TrimSpace(parts[0])))
		}
		owners, parts = append(owners, found...), parts[n+1:]
	}
	return owners, err
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
		(q.owner == "" || slices.Contains(q.owners, f.Tags[ownerTag]))
}
