package handler

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
)

// pageLink returns the URL of what a page shows in a format, with some of its
// parameters changed; an empty value removes one. On a page that was opened by a
// signed link, the URL is signed until the same day. It is empty if it would
// select more than that link. It is also empty for JSON, which has the problems
// of the run and not only what the link selects.
func (h *Handler) pageLink(r *http.Request, q query, format string, change map[string]string) string {
	values := r.URL.Query()
	if q.signature != "" {
		values = maps.Clone(q.selection)
		if q.Language != "" {
			values.Set("lang", q.Language)
		}
	}
	values.Del("format")
	values.Del("page")
	u := url.URL{Path: r.URL.Path}
	if format != q.format || q.signature != "" || r.URL.Query().Has("format") {
		u.Path = formatNamed(format).path
	}
	selection := maps.Clone(q.selection)
	for name, value := range change {
		if q.signature != "" && !q.includes(name, value) {
			return ""
		}
		for _, v := range []url.Values{values, selection} {
			v.Set(name, value)
			if value == "" {
				v.Del(name)
			}
		}
	}
	if q.signature != "" {
		if format == "json" {
			return ""
		}
		maps.DeleteFunc(selection, func(name string, _ []string) bool { return parameters[name].traits&unsigned != 0 })
		q.format, q.selection = format, selection
		values.Set("until", q.until)
		values.Set("signature", h.signature(q))
	}
	u.RawQuery = values.Encode()
	return u.String()
}

// includes reports whether a signed query selects everything that it would select
// with another value of one parameter.
func (q query) includes(name, value string) bool {
	current := q.selection.Get(name)
	switch name {
	case "severity", "reason", "region":
		return value == current || value != "" && (current == "" || slices.Contains(splitList(current), value))
	case "all":
		return value == current || value == ""
	}
	return value == current || parameters[name].traits&unsigned != 0
}
