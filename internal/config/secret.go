package config

import (
	"fmt"
	"log/slog"
)

// A Secret is a password, a token or a URL that contains one. It is formatted,
// logged and encoded as REDACTED; only Reveal returns its value. An empty Secret is
// shown as empty.
type Secret string

const redacted = "REDACTED"

// String returns REDACTED, or "" if s is empty.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// Format redacts every verb. With String alone, fmt would print the value in its
// error for a wrong verb such as %d.
func (s Secret) Format(f fmt.State, verb rune) { fmt.Fprintf(f, fmt.FormatString(f, verb), s.String()) }

// LogValue returns String as a value of a log.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText returns String, so that JSON does not contain the value.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Reveal returns the value.
func (s Secret) Reveal() string { return string(s) }
