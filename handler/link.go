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

// A signed link is for those who cannot send a header: calendars and browsers.
// It reads one format until the end of a day, and posts nothing. Its signature
// is of a key of its own, so that it tells nothing of the token.

// linkDays is how long a link lasts unless asked otherwise, maxLinkDays at most.
const linkDays, maxLinkDays = 90, 366

func (h *Handler) signature(format, until string) string {
	key := hmac.New(sha256.New, []byte(h.Settings.HTTPToken.Reveal()))
	key.Write([]byte("matrix-expiry-report link"))
	mac := hmac.New(sha256.New, key.Sum(nil))
	mac.Write([]byte(format + "\n" + until))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}

// isLink tells whether a request comes by a link, be it a good one or not, and
// so without a token.
func isLink(r *http.Request) bool { return r.URL.Query().Has("signature") }

var errLink = errors.New("the link has come to its end or is not whole: make a new one with GET /link")

// checkLink tells whether a signed link may read the format.
func (h *Handler) checkLink(format string, q query) error {
	day, err := time.ParseInLocation(time.DateOnly, q.until, h.Settings.Location)
	right := hmac.Equal([]byte(q.signature), []byte(h.signature(format, q.until)))
	if h.Settings.HTTPToken == "" || !right || err != nil || !h.Now().Before(day.AddDate(0, 0, 1)) {
		return errLink
	}
	return nil
}

// link makes a signed link of what is asked for.
func (h *Handler) link(w http.ResponseWriter, r *http.Request) {
	q, err := readQuery(r)
	if err == nil && h.Settings.HTTPToken == "" {
		err = errors.New("links are signed with HTTP_TOKEN: set it")
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
	if r.TLS != nil || !config.SafeURL(&link) { // http is for the machine itself
		link.Scheme = "https"
	}
	b, err := json.Marshal(map[string]string{"url": link.String(), "format": q.format, "until": q.until})
	if err != nil {
		writeError(w, http.StatusInternalServerError, "InternalError", err.Error())
		return
	}
	writeJSON(w, http.StatusOK, b)
}
