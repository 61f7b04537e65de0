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

// authorize reports whether the caller may use a route with the given access.
// If not, it writes the error response.
func (h *Handler) authorize(w *response, r *http.Request, a access) bool {
	switch {
	case a == public, a == allowsSignedLink && isLink(r):
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

// checkToken reports whether the request has the token. If not, it writes the
// error response.
func (h *Handler) checkToken(w *response, r *http.Request) bool {
	header := r.Header.Get("Authorization")
	if header == "" {
		w.header.Set("WWW-Authenticate", "Bearer")
		writeError(w, http.StatusUnauthorized, "Unauthorized", "missing token; send Authorization: Bearer and the value of HTTP_TOKEN")
		return false
	}
	scheme, token, _ := strings.Cut(header, " ")
	got, want := sha256.Sum256([]byte(strings.TrimSpace(token))), sha256.Sum256([]byte(h.Settings.HTTPToken.Reveal()))
	if subtle.ConstantTimeCompare(got[:], want[:]) != 1 || !strings.EqualFold(scheme, "Bearer") {
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
