package config

import (
	"fmt"
	"log/slog"
)

// A Secret is a password, a token or an address that works as one. It prints
// as REDACTED in every form; only Reveal tells it.
type Secret string

const redacted = "REDACTED"

func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// Format covers every verb; with String alone, a wrong one such as %d tells the
// secret in its complaint.
func (s Secret) Format(f fmt.State, verb rune) { fmt.Fprintf(f, fmt.FormatString(f, verb), s.String()) }

func (s Secret) LogValue() slog.Value         { return slog.StringValue(s.String()) }
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Reveal is the secret itself, for the one place that needs it.
func (s Secret) Reveal() string { return string(s) }
