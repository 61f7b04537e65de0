package handler

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
	"time"

	"matrix-expiry-report/internal/config"
)

type access int

const (
	byToken      access = iota // or by the trigger, where that authenticates callers
	bySignedLink               // or by token
	byEverybody
)

// authorised tells whether the caller may look and post, and answers where
// not. A token is wanted wherever one is set.
func (h *Handler) authorised(w http.ResponseWriter, r *http.Request) bool {
	if h.Settings.HTTPToken == "" {
		if h.Settings.HTTPAuth == config.TriggerAuth && len(h.Commands) > 0 {
			writeError(w, http.StatusForbidden, "AccessDenied", "with questions from a chat the trigger lets everybody through, so HTTP_AUTH=trigger says nothing: set HTTP_TOKEN")
			return false
		}
		if h.Settings.HTTPAuth == config.TriggerAuth {
			return true
		}
		writeError(w, http.StatusForbidden, "AccessDenied", "nothing is answered until HTTP_TOKEN is set, or HTTP_AUTH=trigger where the trigger authenticates callers")
		return false
	}
	given := r.Header.Get("Authorization")
	if given == "" {
		w.Header().Set("WWW-Authenticate", "Bearer")
		writeError(w, http.StatusUnauthorized, "Unauthorized", "send the token of HTTP_TOKEN: Authorization: Bearer …")
		return false
	}
	scheme, token, _ := strings.Cut(given, " ")
	got, want := sha256.Sum256([]byte(strings.TrimSpace(token))), sha256.Sum256([]byte(h.Settings.HTTPToken.Reveal()))
	if subtle.ConstantTimeCompare(got[:], want[:]) != 1 || !strings.EqualFold(scheme, "Bearer") {
		h.refuse(w, r, "not the token of HTTP_TOKEN")
		return false
	}
	return true
}

// refusalTime is what a wrong token costs whoever tries.
const refusalTime = time.Second

// refuse answers a caller who showed something wrong: slowly, and without a
// word of it in the log.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, why string) {
	h.logger(r.Context()).Warn("refused", "trigger", "http", "path", r.URL.Path, "from", r.RemoteAddr, "why", why)
	select {
	case <-time.After(refusalTime):
	case <-r.Context().Done():
	}
	writeError(w, http.StatusForbidden, "AccessDenied", why)
}
