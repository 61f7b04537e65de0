package page

import (
	"html/template"
	"net/url"

	"matrix-expiry-report/report"
)

// icons holds the favicon of each state, as the content of a picture of 16 by 16:
// a shape and a colour of their own.
var icons = map[report.Severity]string{
	report.Critical: `<circle cx="8" cy="8" r="8" fill="#c62828"/><path d="M4 8h8" stroke="#fff" stroke-width="3"/>`,
	report.Warning:  `<path d="M8 0l8 15H0z" fill="#e08600"/><path d="M8 5v5m0 1v2" stroke="#fff" stroke-width="2"/>`,
	report.Notice:   `<rect width="16" height="16" rx="3" fill="#2d5fa8"/><path d="M8 3v2m0 2v6" stroke="#fff" stroke-width="2"/>`,
	"":              `<circle cx="8" cy="8" r="8" fill="#2f7d36"/><path d="M4 8l3 3 5-6" stroke="#fff" stroke-width="2" fill="none"/>`,
}

// icon returns the favicon of a state: that of a severity, or that of a good day.
func icon(s report.Severity) template.URL {
	svg := `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">` + icons[s] + `</svg>`
	return template.URL("data:image/svg+xml," + url.PathEscape(svg))
}
