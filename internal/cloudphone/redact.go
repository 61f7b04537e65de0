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
		forms := lower(strings.Join([]string{value, url.QueryEscape(value), url.PathEscape(value), hex.EncodeToString([]byte(value))}, "\x00"))
		for i := range len(s) - n + 1 {
			if strings.Contains(forms, folded[i:i+n]) {
				for j := range n {
					secret[i+j] = true
				}
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
