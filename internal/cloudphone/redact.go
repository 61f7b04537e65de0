package cloudphone

import (
	"encoding/hex"
	"errors"
	"net/url"
	"strings"
	"sync"

	"matrix-expiry-report/internal/config"
)

// A redactor removes secrets from texts: the service, a proxy and net/http
// repeat what they were sent, whole or in part, and encoded.
type redactor struct {
	secrets []config.Secret
	once    sync.Once       // of what follows, as few runs need it
	parts   map[string]bool // every part of minSecretPart bytes of every form of a secret, in lower case
	short   []string        // secrets that are shorter, in lower case
}

// minSecretPart is how long a part of a secret is that must not be shown. A
// secret of fewer than minSecret bytes is not one, and would make every text
// unreadable.
const minSecretPart, minSecret = 8, 4

const redaction = "REDACTED"

func newRedactor(secrets ...config.Secret) *redactor { return &redactor{secrets: secrets} }

func (r *redactor) prepare() {
	r.parts = map[string]bool{}
	for _, secret := range r.secrets {
		s := secret.Reveal()
		if len(s) < minSecret {
			continue
		}
		if len(s) < minSecretPart {
			r.short = append(r.short, lower(s))
		}
		for _, form := range []string{s, url.QueryEscape(s), url.PathEscape(s), hex.EncodeToString([]byte(s))} {
			form = lower(form)
			for i := range len(form) - minSecretPart + 1 {
				r.parts[form[i:i+minSecretPart]] = true
			}
		}
	}
}

// redact returns s without the secrets.
func (r *redactor) redact(s string) string {
	r.once.Do(r.prepare)
	folded := lower(s)
	secret := make([]bool, len(s)) // by byte
	found := false
	mark := func(i, n int) {
		found = true
		for j := range n {
			secret[i+j] = true
		}
	}
	for i := range len(s) {
		if i+minSecretPart <= len(s) && r.parts[folded[i:i+minSecretPart]] {
			mark(i, minSecretPart)
		}
		for _, short := range r.short {
			if strings.HasPrefix(folded[i:], short) {
				mark(i, len(short))
			}
		}
	}
	if !found {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		switch {
		case !secret[i]:
			b.WriteByte(s[i])
		case i == 0 || !secret[i-1]:
			b.WriteString(redaction)
		}
	}
	return b.String()
}

// lower maps ASCII letters to lower case. Unlike strings.ToLower it keeps the
// length of the text.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// redactError returns err without the secrets.
func (r *redactor) redactError(err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		for _, text := range []*string{&e.Code, &e.Message, &e.RequestID, &e.AuthAction} {
			*text = r.redact(*text)
		}
		return e
	}
	text := err.Error()
	redacted := r.redact(text)
	if redacted == text {
		return err
	}
	if t, ok := errors.AsType[*Temporary](err); ok {
		return &Temporary{errors.New(redacted), t.Timeout}
	}
	return errors.New(redacted)
}
