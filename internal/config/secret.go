package config

import "fmt"

// A Secret is a password, a token or a URL that contains one. It is formatted,
// logged and encoded as REDACTED; only Reveal returns its value. An empty Secret is
// shown as empty.
type Secret string

// String returns REDACTED, or "" if s is empty.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "REDACTED"
}

// Format redacts every verb. With String alone, fmt would print the value in its
// error for a wrong verb such as %d.
func (s Secret) Format(f fmt.State, verb rune) { fmt.Fprintf(f, fmt.FormatString(f, verb), s.String()) }

// MarshalText returns String, so that neither JSON nor a log contains the value.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Reveal returns the value.
func (s Secret) Reveal() string { return string(s) }
