package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // since a function's machine may have no zones
)

// An Env reads settings from the environment. It never stops at a mistake: it
// collects them all, so that a person can mend them in one go, and it remembers
// which names were asked for, so that s.yaml and the README can be held to
// them.
type Env struct {
	get      func(string) string
	names    []string
	mistakes []error
	renamed  map[string]string // the former name of a setting, by its name
	warnings []string
}

// formerNames of settings, by what they are called now. Somebody's deployment
// goes on to use the former one, and is told.
var formerNames = map[string]string{}

// NewEnv reads from get, which is os.Getenv outside of tests.
func NewEnv(get func(string) string) *Env { return &Env{get: get, renamed: formerNames} }

// Warnings lists the settings that were found under a former name.
func (e *Env) Warnings() []string { return slices.Clone(e.warnings) }

// Names lists the variables that were asked for, in that order.
func (e *Env) Names() []string { return slices.Clone(e.names) }

// Err is every mistake found so far, a line each, or nil.
func (e *Env) Err() error { return errors.Join(e.mistakes...) }

// Text reads a value with the spaces around it removed.
func (e *Env) Text(name, missing string) string {
	first := !slices.Contains(e.names, name)
	if first {
		e.names = append(e.names, name)
	}
	if v := strings.TrimSpace(e.get(name)); v != "" {
		return v
	}
	if former, ok := e.renamed[name]; ok {
		if v := strings.TrimSpace(e.get(former)); v != "" {
			if first {
				e.warnings = append(e.warnings, fmt.Sprintf("%s is called %s now", former, name))
			}
			return v
		}
	}
	return missing
}

// Refuse notes that the value of name is not what is wanted. The value is
// shown only where it is not a secret.
func (e *Env) Refuse(name, value, wanted string) {
	e.mistakes = append(e.mistakes, fmt.Errorf("%s: %q is not %s", name, value, wanted))
}

// RefuseSecret notes a mistake without repeating the value.
func (e *Env) RefuseSecret(name, wanted string) {
	e.mistakes = append(e.mistakes, fmt.Errorf("%s: is not %s", name, wanted))
}

// refuseAddress is Refuse for an address, which may hold a password before an @.
func (e *Env) refuseAddress(name, value, wanted string) {
	if strings.Contains(value, "@") {
		e.RefuseSecret(name, wanted)
		return
	}
	e.Refuse(name, value, wanted)
}

// Secret reads a value that is not to be shown.
func (e *Env) Secret(name string) Secret { return Secret(e.Text(name, "")) }

// Int reads a whole number from low to high.
func (e *Env) Int(name string, missing, low, high int) int {
	v := e.Text(name, "")
	if v == "" {
		return missing
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < low || n > high {
		e.Refuse(name, v, fmt.Sprintf("a whole number from %d to %d", low, high))
		return missing
	}
	return n
}

// Duration reads a length of time, at least low.
func (e *Env) Duration(name string, missing, low time.Duration) time.Duration {
	v := e.Text(name, "")
	if v == "" {
		return missing
	}
	d, err := time.ParseDuration(v)
	if err != nil || d < low {
		e.Refuse(name, v, fmt.Sprintf("a length of time such as 24h or 90m, at least %s", low))
		return missing
	}
	return d
}

// OneOf reads one of the allowed words.
func (e *Env) OneOf(name, missing string, allowed ...string) string {
	v := e.Text(name, missing)
	if v != missing && !slices.Contains(allowed, v) {
		e.Refuse(name, v, "one of "+strings.Join(allowed, ", "))
		return missing
	}
	return v
}

// Location reads an IANA time zone.
func (e *Env) Location(name, missing string) *time.Location {
	v := e.Text(name, missing)
	loc, err := time.LoadLocation(v)
	if err != nil || v == "Local" {
		e.Refuse(name, v, "a time zone such as Asia/Shanghai, Europe/Berlin or UTC")
		loc, _ = time.LoadLocation(missing)
	}
	return loc
}

// List reads values that are separated by commas, empty ones left out.
func (e *Env) List(name string) []string { return splitList(e.Text(name, "")) }

// WebLink reads an http or https address that may be shown to people.
func (e *Env) WebLink(name, missing string) string {
	v := e.Text(name, missing)
	if v == "" {
		return ""
	}
	u, err := url.Parse(v)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil {
		e.refuseAddress(name, v, "an address such as https://host/path")
		return ""
	}
	return u.String()
}

// SecretURL reads an address that works as a password: https, or http to this
// machine itself, as the emulator offers it. Nil where it is absent or refused.
func (e *Env) SecretURL(name, example string) *url.URL {
	v := e.Text(name, "")
	if v == "" {
		return nil
	}
	u, err := url.Parse(v)
	if err != nil || !SafeURL(u) {
		e.RefuseSecret(name, "an address of the form "+example)
		return nil
	}
	return u
}

// Dir reads the path of a directory; nil where it is absent or refused.
func (e *Env) Dir(name string) fs.FS {
	v := e.Text(name, "")
	if v == "" {
		return nil
	}
	if info, err := os.Stat(v); err != nil || !info.IsDir() {
		e.Refuse(name, v, "a directory that can be read")
		return nil
	}
	return os.DirFS(v)
}

// SafeURL tells whether what is sent to u stays unread on the way: https, or
// http on the machine itself. Addresses with a user part are refused.
func SafeURL(u *url.URL) bool {
	if u.Host == "" || u.Hostname() == "" || u.User != nil {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname())
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func splitList(v string) []string {
	var out []string
	for part := range strings.SplitSeq(v, ",") {
		if part = strings.TrimSpace(part); part != "" && !slices.Contains(out, part) {
			out = append(out, part)
		}
	}
	return out
}

// IsRegion tells whether id has the form of a BizRegionId.
func IsRegion(id string) bool {
	return regexp.MustCompile(`^[a-z]{2,}(-[a-z0-9]+)+$`).MatchString(id)
}
