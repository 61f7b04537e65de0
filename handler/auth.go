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

// authorize reports whether the caller may use a route with the given access.
// If not, it writes the error response.
func (h *Handler) authorize(w *response, r *http.Request, a access) bool {
	switch {
	case a == public:
		return true
	case h.Settings.HTTPOff != "":
		writeError(w, http.StatusForbidden, "AccessDenied", "HTTP is off: "+h.Settings.HTTPOff)
		return false
	case a == allowsSignedLink && isLink(r):
		return true
	case h.Settings.HTTPToken != "":
		return h.checkToken(w, r)
	case h.Settings.HTTPAuth != config.TriggerAuth:
		writeError(w, http.StatusForbidden, "AccessDenied", "access is not configured: set HTTP_TOKEN, or HTTP_AUTH=trigger if the trigger authenticates callers")
		return false
	case len(h.Commands) > 0:
		writeError(w, http.StatusForbidden, "AccessDenied", "HTTP_AUTH=trigger does not protect a trigger that accepts commands from a chat: set HTTP_TOKEN")
		return false
	}
	return true
}

// checkToken reports whether the request has the token, as a bearer token or as
// the password of any user. If not, it writes the error response.
func (h *Handler) checkToken(w *response, r *http.Request) bool {
	header := r.Header.Get("Authorization")
	if header == "" {
		w.header.Set("WWW-Authenticate", challenge)
		writeError(w, http.StatusUnauthorized, "Unauthorized", "missing token; send Authorization: Bearer and the value of HTTP_TOKEN, or that value as the password of any user")
		return false
	}
	_, token, ok := r.BasicAuth()
	if !ok {
		var scheme string
		scheme, token, _ = strings.Cut(header, " ")
		token, ok = strings.TrimSpace(token), strings.EqualFold(scheme, "Bearer")
	}
	got, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(h.Settings.HTTPToken.Reveal()))
	if subtle.ConstantTimeCompare(got[:], want[:]) != 1 || !ok {
		h.refuse(w, r, "wrong token")
		return false
	}
	return true
}

// refusalTime delays the response to wrong credentials, which limits guessing.
const refusalTime = time.Second

// refuse answers a request with wrong credentials after refusalTime. It logs
// the request without the credentials.
func (h *Handler) refuse(w *response, r *http.Request, why string) {
	h.logger(r.Context()).Warn("refused", "trigger", "http", "path", r.URL.Path, "from", r.RemoteAddr, "why", why)
	select {
	case <-time.After(refusalTime):
	case <-r.Context().Done():
	}
	writeError(w, http.StatusForbidden, "AccessDenied", why)
}
