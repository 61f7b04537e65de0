package page

import (
	"strings"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// A filter is one list of the form.
type filter struct {
	Name, Title string
	Applied     string // what the query chose, for the script
	Options     []option
}

type option struct {
	Value, Text string
	Chosen      bool
}

// newFilters returns the lists that have something to choose from.
func newFilters(r report.Report, o Options, c *locale.Catalog) (filters []filter) {
	add := func(name string, options []option) {
		if len(options) == 0 {
			return
		}
		given := strings.Split(strings.Join(o.Query[name], ","), ",")
		for i := range options {
			options[i].Chosen = len(given) == 1 && options[i].Value == given[0]
		}
		filters = append(filters, filter{name, c.Text("page_" + name), message.Clean(strings.Join(given, ",")), options})
	}
	var severities, reasons, regions, owners []option
	for _, s := range report.Severities {
		severities = append(severities, option{Value: string(s), Text: c.Text("page_" + string(s))})
	}
	for _, reason := range report.Reasons() {
		reasons = append(reasons, option{Value: string(reason), Text: reasonText(c, reason, &report.Finding{})})
	}
	for _, id := range r.Regions {
		id = message.Clean(id)
		regions = append(regions, option{Value: id, Text: c.Region(id)})
	}
	for _, owner := range o.Owners {
		owner = message.Clean(owner)
		owners = append(owners, option{Value: owner, Text: owner})
	}
	add("severity", severities)
	add("reason", reasons)
	add("region", regions)
	add("owner", owners)
	return filters
}

// newHidden returns the parameters that the form keeps.
func newHidden(o Options) (hidden []item) {
	for _, name := range o.Carry {
		hidden = append(hidden, item{name, message.Clean(o.Query.Get(name))})
	}
	hidden = append(hidden, item{"lang", o.Message.Language})
	if o.All {
		hidden = append(hidden, item{"all", "1"})
	}
	return hidden
}
