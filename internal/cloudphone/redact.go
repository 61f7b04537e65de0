package cloudphone

import (
	"encoding/hex"
	"net/url"
	"strings"
)

// The service, a proxy and net/http repeat what they were sent, whole or in part,
// and encoded. minSecretPart is how long a part of a secret is that must not be
// shown. A secret of fewer than minSecret bytes is not one, and would make every
// text unreadable.
const minSecretPart, minSecret = 8, 4

const redaction = "REDACTED"

// redact returns s without the secrets of c: every part of at least minSecretPart
// bytes, in every form and in upper and lower case.
func (c Credentials) redact(s string) string {
	folded := lower(s)
	secret := make([]bool, len(s)) // by byte
	for _, value := range []string{c.AccessKeySecret.Reveal(), c.SecurityToken.Reveal()} {
		if len(value) < minSecret {
			continue
		}
		n := min(minSecretPart, len(value))
		for _, form := range []string{value, url.QueryEscape(value), url.PathEscape(value), hex.EncodeToString([]byte(value))} {
			form = lower(form)
			for i := range len(form) - n + 1 {
				markAll(secret, folded, form[i:i+n])
			}
		}
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

// markAll marks the bytes of s that belong to a part.
func markAll(marked []bool, s, part string) {
	for i := 0; ; i++ {
		next := strings.Index(s[i:], part)
		if next < 0 {
			return
		}
		i += next
		for j := range len(part) {
			marked[i+j] = true
		}
	}
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

// redactError removes the secrets of c from the texts of e.
func (c Credentials) redactError(e *Error) {
	for _, s := range []*string{&e.Code, &e.Message, &e.RequestID, &e.AuthAction} {
		*s = c.redact(*s)
	}
}
