package handler

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"matrix-expiry-report/internal/config"
)

// A signed link is for clients that cannot send headers: calendars and browsers.
// It reads what one query selects, in one format, until the end of a day, and
// cannot post. The key of its signature is derived from the token, so that a
// link reveals nothing of it.

// The days for which a link is valid: by default, and at most.
const (
	linkDays    = 90
	maxLinkDays = 366
)

// signatureBytes is the length of a signature, of which half would already be
// infeasible to guess over HTTP.
const signatureBytes = 16

// signature returns the signature of links to what a query selects, in its
// format, that are valid until the end of its day.
func (h *Handler) signature(q query) string {
	key := hmac.New(sha256.New, []byte(h.Settings.HTTPToken.Reveal()))
	key.Write([]byte("matrix-expiry-report link"))
	mac := hmac.New(sha256.New, key.Sum(nil))
	mac.Write([]byte(q.format + "\n" + q.until))
	if len(q.selection) > 0 { // a link without any is signed as in version 0.1.0
		mac.Write([]byte("\n" + q.selection.Encode()))
	}
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:signatureBytes])
}

// isLink reports whether a request comes by a signed link, valid or not, and
// therefore without a token.
func isLink(r *http.Request) bool { return r.URL.Query().Has("signature") }

var errLink = errors.New("the link has expired or is incomplete; make a new one with GET /link")

// checkLink returns an error unless the query is that of a valid signed link.
func (h *Handler) checkLink(q query) error {
	valid := hmac.Equal([]byte(q.signature), []byte(h.signature(q)))
	if h.Settings.HTTPToken == "" || !valid || q.until < h.day(0) {
		return errLink
	}
	return nil
}

// day returns the day that is so many days from today, as in the parameter until.
func (h *Handler) day(fromToday int) string {
	return h.Now().In(h.Settings.Location).AddDate(0, 0, fromToday).Format(time.DateOnly)
}

// serveLink answers with a signed link to the report that the query selects.
func (h *Handler) serveLink(w *response, r *http.Request) error {
	q, err := parseQuery(r, 0)
	if h.Settings.HTTPToken == "" {
		err = errors.Join(err, errors.New("links are signed with HTTP_TOKEN, which is not set"))
	}
	q.until = cmp.Or(q.until, h.day(linkDays))
	if err == nil && (q.until < h.day(0) || q.until > h.day(maxLinkDays)) {
		err = fmt.Errorf("until: %s is not within %d days from today", q.until, maxLinkDays)
	}
	if err != nil {
		return httpError{http.StatusBadRequest, "InvalidParameter", oneLine(err)}
	}
	site := &url.URL{Scheme: "http", Host: r.Host}
	if r.TLS != nil || !config.SafeURL(site) { // http is for this machine only
		site.Scheme = "https"
	}
	link := h.sign(site, q, r.URL.Query())
	writeJSON(w, encode(map[string]string{"url": link, "format": q.format, "until": q.until}))
	return nil
}

// sign returns the link to what a query selects at a site. values are the
// parameters of the query.
func (h *Handler) sign(site *url.URL, q query, values url.Values) string {
	values.Del("format")
	values.Set("until", q.until)
	values.Set("signature", h.signature(q))
	return (&url.URL{Scheme: site.Scheme, Host: site.Host, Path: formatNamed(q.format).path, RawQuery: values.Encode()}).String()
}

// SignedLink returns a link to the page of a site, such as http://127.0.0.1:9000,
// that is valid until tomorrow.
func (h *Handler) SignedLink(site *url.URL) string {
	return h.sign(site, query{format: "html", until: h.day(1)}, url.Values{})
}
