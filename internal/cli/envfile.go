package cli

import (
	"fmt"
	"os"

	"matrix-expiry-report/internal/config"
)

// withEnvFile returns p with the settings of file as a fallback for those of the
// environment, and the errors of invalid lines, one per line. An empty name adds
// nothing.
func (p Program) withEnvFile(file string) (_ Program, lines, err error) {
	if file == "" {
		return p, nil, nil
	}
	values, lines, err := config.ReadEnvFile(file)
	if err != nil {
		return p, nil, usageError{err}
	}
	getenv := p.Getenv
	p.Getenv = func(name string) string {
		if v := getenv(name); v != "" {
			return v
		}
		return values[name]
	}
	// The libraries for credentials and proxies read the process environment.
	for name, value := range values {
		if os.Getenv(name) == "" {
			if err := os.Setenv(name, value); err != nil {
				return p, nil, fmt.Errorf("setting %s: %w", name, err)
			}
		}
	}
	return p, lines, nil
}
