package handler

import (
	"mime"
	"net/http"
	"slices"
	"strings"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/internal/page"
)

// acceptsPage reports whether a client names HTML in its Accept header, as browsers
// do: its errors are pages.
func acceptsPage(r *http.Request) bool {
	for part := range strings.SplitSeq(strings.Join(r.Header.Values("Accept"), ","), ",") {
		if mediaType, params, err := mime.ParseMediaType(part); err == nil && mediaType == "text/html" {
			return params["q"] != "0"
		}
	}
	return false
}

// writeErrorPage writes the page of an error in the language of the request.
func (h *Handler) writeErrorPage(w *response, r *http.Request, e httpError) error {
	p := page.Error{Status: e.status, Code: e.code, Message: e.message, Language: r.URL.Query().Get("lang")}
	if !slices.Contains(locale.Languages(), p.Language) {
		p.Language = h.Settings.Language
	}
	switch {
	case e.status >= http.StatusInternalServerError && e.status != http.StatusNotImplemented && r.Method == http.MethodGet:
		p.Again = r.URL.RequestURI()
	case e.status == http.StatusForbidden && isLink(r):
		p.Code = "InvalidLink"
	case e.status != http.StatusForbidden && e.status != http.StatusUnauthorized && !isLink(r):
		p.Report = "/"
	}
	w.header.Set("Content-Type", formatNamed("html").contentType)
	w.header.Set("Content-Security-Policy", page.Policy())
	return page.WriteError(w, p)
}
