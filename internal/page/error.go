package page

import (
	"html/template"
	"io"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/report"
)

// An Error is an error response as a page: what happened and what to do.
type Error struct {
	Status   int    // of the response
	Code     string // names the texts, page_error_CODE and page_advice_CODE; without them they are general
	Message  string // details, in English
	Language string
	Report   string // URL of the report; empty for no link
	Again    string // URL of the request, to try it again; empty for no link
}

// WriteError writes the page of an error.
func WriteError(w io.Writer, e Error) error {
	c, err := locale.Of(e.Language)
	if err != nil {
		return err
	}
	text := func(id string) string {
		if c.Has(id + "_" + e.Code) {
			return c.Text(id + "_" + e.Code)
		}
		return c.Text(id)
	}
	return execute(w, "error.html", c, struct {
		Error
		Title, Advice string
		Icon          template.URL
	}{e, text("page_error"), text("page_advice"), icon(report.Warning)})
}
