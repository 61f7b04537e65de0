package handler

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
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
