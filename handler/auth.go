package handler

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"matrix-expiry-report/internal/config"
)

// access is what a route requires of its callers.
type access int

const (
	needsToken       access = iota // or a trigger that authenticates callers
	allowsSignedLink               // instead of a token; the route checks the link
	public
)

// challenge makes browsers and calendars ask for the token. A browser takes only
// the first scheme of such a header into account.
const challenge = `Basic realm="matrix-expiry-report", charset="UTF-8"`

// authorize returns an error unless the caller may use a route with the given
// access.
func (h *Handler) authorize(w *response, r *http.Request, a access) error {
	switch {
	case a == public:
		return nil
	case h.Settings.HTTPOff != "":
		return denied("HTTP is off: " + h.Settings.HTTPOff)
	case a == allowsSignedLink && isLink(r):
		return nil
	case h.Settings.HTTPToken != "":
		return h.checkToken(w, r)
	case h.Settings.HTTPAuth != config.TriggerAuth:
		return denied("access is not configured: set HTTP_TOKEN, or HTTP_AUTH=trigger if the trigger authenticates callers")
	case len(h.Commands) > 0:
		return denied("HTTP_AUTH=trigger does not protect a trigger that accepts commands from a chat: set HTTP_TOKEN")
	}
	return nil
}

func denied(why string) error { return httpError{http.StatusForbidden, "AccessDenied", why} }

// checkToken returns an error unless the request has the token, as a bearer token
// or as the password of any user.
func (h *Handler) checkToken(w *response, r *http.Request) error {
	header := r.Header.Get("Authorization")
	if header == "" {
		w.header.Set("WWW-Authenticate", challenge)
		return httpError{http.StatusUnauthorized, "Unauthorized",
			"missing token; send Authorization: Bearer and the value of HTTP_TOKEN, or that value as the password of any user"}
	}
	_, token, ok := r.BasicAuth()
	if !ok {
		var scheme string
		scheme, token, _ = strings.Cut(header, " ")
		token, ok = strings.TrimSpace(token), strings.EqualFold(scheme, "Bearer")
	}
	got, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(h.Settings.HTTPToken.Reveal()))
	if subtle.ConstantTimeCompare(got[:], want[:]) != 1 || !ok {
		return h.refuse(r, "wrong token")
	}
	return nil
}

// refusalTime delays the response to wrong credentials, which limits guessing.
const refusalTime = time.Second

// refuse logs a request with wrong credentials, without these, and returns its
// error after refusalTime.
func (h *Handler) refuse(r *http.Request, why string) error {
	h.logger(r.Context()).Warn("refused", "trigger", "http", "path", r.URL.Path, "from", r.RemoteAddr, "why", why)
	select {
	case <-time.After(refusalTime):
	case <-r.Context().Done():
	}
	return denied(why)
}

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
	q, err := parseQuery(r, selects)
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

// SignedLink returns a link to the web page at site, such as http://127.0.0.1:9000.
// It is signed with HTTP_TOKEN and valid until tomorrow.
func (h *Handler) SignedLink(site *url.URL) string {
	return h.sign(site, query{format: "html", until: h.day(1)}, url.Values{})
}
