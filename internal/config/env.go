package config

import (
	"cmp"
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
	"sync"
	"time"
	_ "time/tzdata" // the runtime of a function may have no time zones
)

// An Env reads settings. Its methods return the default of a setting that is absent
// or invalid, and record a mistake for each invalid value. It is not safe for
// concurrent use.
type Env struct {
	*source
	part Part
}

// A source holds what the Envs of all parts share.
type source struct {
	get      func(string) string
	names    []string
	mistakes []Mistake
	warnings []string
}

// NewEnv returns an Env that reads from get, such as os.Getenv. Its mistakes disable
// no Part: the default is used.
func NewEnv(get func(string) string) *Env {
	return &Env{source: &source{get: get}}
}

// For returns an Env whose mistakes disable a part. It shares everything else with
// e.
func (e *Env) For(part Part) *Env { return &Env{e.source, part} }

// Warnings returns a warning for each setting from whose value something was
// removed, or that looks cut. It shows no value.
func (e *Env) Warnings() []string { return slices.Clone(e.warnings) }

// Names returns the names that were read, in that order.
func (e *Env) Names() []string { return slices.Clone(e.names) }

// Mistakes returns a mistake for each invalid value.
func (e *Env) Mistakes() []Mistake { return slices.Clone(e.mistakes) }

// Err returns the errors of all invalid values, one per line, or nil.
func (e *Env) Err() error {
	var errs []error
	for _, m := range e.mistakes {
		errs = append(errs, m.Err)
	}
	return errors.Join(errs...)
}

// placeholder stands for what a user fills in, in the values that the documents
// and the errors show.
const placeholder = "…"

// Text reads a text. Surrounding spaces and quotes, and invisible characters that
// copying adds, are removed from this and every other value, and one in which a
// placeholder is left is refused.
func (e *Env) Text(name, fallback string) string {
	v, removed := clean(e.get(name))
	unfilled := strings.Contains(v, placeholder)
	if !slices.Contains(e.names, name) { // the first time
		e.names = append(e.names, name)
		if removed {
			e.warnings = append(e.warnings, name+": quotes or invisible characters removed from the value")
		}
		if strings.HasSuffix(v, `\`) || strings.IndexAny(v, "\"'`") == 0 {
			e.warnings = append(e.warnings, name+` begins with a quote or ends with \ and looks cut: put a value with # in double quotes, to its end`)
		}
		if unfilled {
			e.refuse(fmt.Errorf("%s: is still the placeholder", name))
		}
	}
	if unfilled {
		return fallback
	}
	return cmp.Or(v, fallback)
}

// Size returns the bytes of the names and values that were read, which is what
// they take of a function's environment.
func (e *Env) Size() (n int) {
	for _, name := range e.names {
		n += len(name) + len(e.get(name))
	}
	return n
}

// Refuse adds a mistake with an invalid value, unless that may be a secret, and its
// valid form.
func (e *Env) Refuse(name, value, wanted string) {
	if mayBeSecret(value) {
		e.RefuseSecret(name, wanted)
		return
	}
	e.refuse(fmt.Errorf("%s: %q is not %s", name, value, wanted))
}

// RefuseSecret adds a mistake that does not show the value.
func (e *Env) RefuseSecret(name, wanted string) {
	e.refuse(fmt.Errorf("%s: is not %s", name, wanted))
}

func (e *Env) refuse(err error) { e.mistakes = append(e.mistakes, Mistake{err, e.part}) }

// Secret reads a value that must not be shown.
func (e *Env) Secret(name string) Secret { return Secret(e.Text(name, "")) }

// read reads a value with parse, which reports whether it is valid.
func read[T any](e *Env, name string, fallback T, wanted string, parse func(string) (T, bool)) T {
	v := e.Text(name, "")
	if v == "" {
		return fallback
	}
	parsed, ok := parse(v)
	if !ok {
		e.Refuse(name, v, wanted)
		return fallback
	}
	return parsed
}

// Int reads a whole number from low to high.
func (e *Env) Int(name string, fallback, low, high int) int {
	return read(e, name, fallback, fmt.Sprintf("a whole number from %d to %d", low, high), func(v string) (int, bool) {
		n, err := strconv.Atoi(v)
		return n, err == nil && low <= n && n <= high
	})
}

// Duration reads a duration of at least low.
func (e *Env) Duration(name string, fallback, low time.Duration) time.Duration {
	return read(e, name, fallback, fmt.Sprintf("a duration such as 24h or 90m, at least %s", low), func(v string) (time.Duration, bool) {
		d, err := time.ParseDuration(v)
		return d, err == nil && d >= low
	})
}

// OneOf reads one of the allowed values.
func (e *Env) OneOf(name, fallback string, allowed ...string) string {
	return read(e, name, fallback, "one of "+strings.Join(allowed, ", "), func(v string) (string, bool) {
		return v, slices.Contains(allowed, v)
	})
}

// Location reads an IANA time zone. The fallback must be valid.
func (e *Env) Location(name, fallback string) *time.Location {
	parse := func(v string) (*time.Location, bool) {
		loc, err := time.LoadLocation(v)
		return loc, err == nil && v != "Local"
	}
	zone, _ := parse(fallback)
	return read(e, name, zone, "a time zone such as Asia/Shanghai, Europe/Berlin or UTC", parse)
}

// Dir reads the path of a directory. It returns nil if the value is absent or
// invalid.
func (e *Env) Dir(name string) fs.FS {
	return read(e, name, nil, "a readable directory", func(v string) (fs.FS, bool) {
		info, err := os.Stat(v)
		return os.DirFS(v), err == nil && info.IsDir()
	})
}

// List reads values separated by commas, each once, without empty ones.
func (e *Env) List(name string) []string { return splitList(e.Text(name, ""), ",") }

// WebLink reads an http or https URL that may be shown.
func (e *Env) WebLink(name, fallback string) string {
	v := e.Text(name, fallback)
	if v == "" {
		return ""
	}
	u, err := url.Parse(v)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil {
		e.Refuse(name, v, "an address such as https://host/path")
		return ""
	}
	return u.String()
}

// SecretURL reads a URL that is a secret: https, or http on a loopback address, such
// as the emulator's. It returns nil if the value is absent or invalid.
func (e *Env) SecretURL(name, example string) *url.URL {
	return e.ParseSecretURL(name, e.Text(name, ""), example)
}

// ParseSecretURL is SecretURL for a value that has already been read.
func (e *Env) ParseSecretURL(name, v, example string) *url.URL {
	if v == "" {
		return nil
	}
	u, err := url.Parse(v)
	switch {
	case strings.Count(v, "://") > 1 && regexp.MustCompile(severalURLs).MatchString(v):
		e.refuse(fmt.Errorf("%s: has several addresses, but takes one of the form %s", name, example))
		return nil
	case err != nil || !SafeURL(u):
		e.RefuseSecret(name, "an address of the form "+example)
		return nil
	}
	return u
}

// severalURLs matches a list of URLs. URLs within the query of one are not
// separated like this.
const severalURLs = `[\s,;|]+https?://`

// SafeURL reports whether requests to u are protected in transit, that is, whether
// u has https, or http and a loopback host. A URL with a user is not safe.
func SafeURL(u *url.URL) bool {
	host := u.Hostname()
	return host != "" && u.User == nil && (u.Scheme == "https" || u.Scheme == "http" && isLoopback(host))
}

func isLoopback(host string) bool { return host == "localhost" || net.ParseIP(host).IsLoopback() }

// splitList returns the parts of v between separators, each once, without empty
// ones.
func splitList(v, separator string) (parts []string) {
	for part := range strings.SplitSeq(v, separator) {
		if part = strings.TrimSpace(part); part != "" && !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	return parts
}

var region = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z]{2,}(-[a-z0-9]+)+$`) })

// IsRegion reports whether id has the form of a region id, such as cn-hangzhou.
func IsRegion(id string) bool { return region().MatchString(id) }
