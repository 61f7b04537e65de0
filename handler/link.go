package handler

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"matrix-expiry-report/internal/config"
)

// A signed link is for clients that cannot send headers: calendars and browsers.
// It reads one format until the end of a day and cannot post. The key of its
// signature is derived from the token, so that a link reveals nothing of it.

// The days for which a link is valid: by default, and at most.
const (
	linkDays    = 90
	maxLinkDays = 366
)

// signatureBytes is the length of a signature, of which half would already be
// infeasible to guess over HTTP.
const signatureBytes = 16

// signature returns the signature of links to a format that are valid until the
// end of a day.
func (h *Handler) signature(format, until string) string {
	key := hmac.New(sha256.New, []byte(h.Settings.HTTPToken.Reveal()))
	key.Write([]byte("matrix-expiry-report link"))
	mac := hmac.New(sha256.New, key.Sum(nil))
	mac.Write([]byte(format + "\n" + until))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:signatureBytes])
}

// isLink reports whether a request comes by a signed link, valid or not, and
// therefore without a token.
func isLink(r *http.Request) bool { return r.URL.Query().Has("signature") }

var errLink = errors.New("the link has expired or is incomplete; make a new one with GET /link")

// checkLink returns an error unless the signed link may read the format of the
// query.
func (h *Handler) checkLink(q query) error {
	day, err := time.ParseInLocation(time.DateOnly, q.until, h.Settings.Location)
	valid := hmac.Equal([]byte(q.signature), []byte(h.signature(q.format, q.until)))
	if h.Settings.HTTPToken == "" || !valid || err != nil || !h.Now().Before(day.AddDate(0, 0, 1)) {
		return errLink
	}
	return nil
}

// serveLink answers with a signed link to the report that the query selects.
func (h *Handler) serveLink(w *response, r *http.Request) {
	q, err := parseQuery(r, toLink)
	if h.Settings.HTTPToken == "" {
		err = errors.Join(err, errors.New("links are signed with HTTP_TOKEN, which is not set"))
	}
	now := h.Now().In(h.Settings.Location)
	if q.until == "" {
		q.until = now.AddDate(0, 0, linkDays).Format(time.DateOnly)
	}
	if err == nil && (q.until < now.Format(time.DateOnly) || q.until > now.AddDate(0, 0, maxLinkDays).Format(time.DateOnly)) {
		err = fmt.Errorf("until: %s is not within %d days from today", q.until, maxLinkDays)
	}
	if err != nil {
		writeError(w, http.StatusBadRequest, "InvalidParameter", oneLine(err))
		return
	}
	format := formatNamed(q.format)
	values := r.URL.Query()
	values.Del("format")
	values.Set("until", q.until)
	values.Set("signature", h.signature(q.format, q.until))
	link := url.URL{Scheme: "http", Host: r.Host, Path: format.path, RawQuery: values.Encode()}
	if r.TLS != nil || !config.SafeURL(&link) { // http is for this machine only
		link.Scheme = "https"
	}
	b, _ := json.Marshal(map[string]string{"url": link.String(), "format": q.format, "until": q.until}) // strings always marshal
	writeJSON(w, http.StatusOK, b)
}
