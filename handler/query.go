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

// A query is what the address of a request asks for.
type query struct {
	ask
	format     string
	severities []report.Severity
	reasons    []report.Reason
	owners     []string
	all        bool // every matrix, not only those that need somebody
	page       int  // of all, from 1
	until      string
	signature  string
	haste      bool // take what is known in time rather than wait
}

// parameters by name; each takes the values given, split at commas.
var parameters = map[string]func(q *query, values []string) error{
	"days": func(q *query, values []string) error {
		n, err := strconv.Atoi(values[0])
		if err != nil || len(values) > 1 {
			return fmt.Errorf("%q is not a whole number from 0 to %d", strings.Join(values, ","), config.MaxDays)
		}
		q.Days = &n // Overrides look whether it is too large
		return nil
	},
	"region": func(q *query, values []string) error { q.Regions = values; return nil },
	"lang": func(q *query, values []string) error {
		q.Language = values[0]
		return oneOf(values[:1], locale.Languages())
	},
	"severity": func(q *query, values []string) error {
		q.severities = as[report.Severity](values)
		return oneOf(values, as[string](report.Severities))
	},
	"reason": func(q *query, values []string) error {
		q.reasons = as[report.Reason](values)
		return oneOf(values, as[string](report.Reasons()))
	},
	"owner": func(q *query, values []string) error { q.owners = values; return nil },
	"format": func(q *query, values []string) error {
		q.format = values[0]
		return oneOf(values[:1], formatNames())
	},
	"all": func(q *query, values []string) error {
		q.all = values[0] == "1"
		return oneOf(values[:1], []string{"0", "1"})
	},
	"page": func(q *query, values []string) error {
		n, err := strconv.Atoi(values[0])
		if err != nil || n < 1 || len(values) > 1 {
			return fmt.Errorf("%q is not a whole number from 1", strings.Join(values, ","))
		}
		q.page = n
		return nil
	},
	"until": func(q *query, values []string) error {
		q.until = values[0]
		if _, err := time.Parse(time.DateOnly, values[0]); err != nil {
			return fmt.Errorf("%q is not a day such as 2027-01-31", values[0])
		}
		return nil
	},
	"signature": func(q *query, values []string) error { q.signature = values[0]; return nil },
}

func as[To, From ~string](values []From) []To {
	out := make([]To, len(values))
	for i, v := range values {
		out[i] = To(v)
	}
	return out
}

func oneOf(values, allowed []string) error {
	for _, v := range values {
		if !slices.Contains(allowed, v) {
			return fmt.Errorf("%q is not one of %s", v, strings.Join(allowed, ", "))
		}
	}
	return nil
}

// readQuery finds every mistake. A parameter without a value, as a form sends
// it, is none.
func readQuery(r *http.Request) (query, error) {
	q := query{page: 1}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return q, errors.New("the query cannot be read")
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(values)) {
		read, ok := parameters[name]
		if !ok {
			errs = append(errs, fmt.Errorf("%s: there is %s", name, strings.Join(slices.Sorted(maps.Keys(parameters)), ", ")))
			continue
		}
		given := strings.FieldsFunc(strings.Join(values[name], ","), func(r rune) bool { return r == ',' })
		if len(given) == 0 {
			continue
		}
		if err := read(&q, given); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	if q.format == "" {
		q.format, err = formatOf(r)
		errs = append(errs, err)
	}
	if q.all && q.format == "txt" {
		errs = append(errs, errors.New("all: the text lists what needs somebody; take csv, md, html or json"))
	}
	return q, errors.Join(errs...)
}

// wants tells whether a finding is among those that the query asks for.
func (q query) wants(f report.Finding, ownerTag string) bool {
	return (len(q.severities) == 0 || slices.Contains(q.severities, f.Severity)) &&
		(len(q.reasons) == 0 || slices.Contains(q.reasons, f.Reason) || slices.ContainsFunc(f.OtherReasons, func(r report.Reason) bool { return slices.Contains(q.reasons, r) })) &&
		(len(q.owners) == 0 || slices.Contains(q.owners, f.Tags[ownerTag]))
}
