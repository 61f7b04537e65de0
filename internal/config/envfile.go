package config

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/joho/godotenv"
)

// envLine is a line of a file of settings. Serverless Devs and godotenv take
// more than that, but not alike.
var envLine = regexp.MustCompile(`^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$`)

// alike matches the values that Serverless Devs and godotenv read alike:
// without quotes, in single quotes, in double quotes. Serverless Devs replaces
// $NAME even in single quotes, unless it is written \$, and cuts a value
// without quotes at any #.
var alike = regexp.MustCompile("^(?:" + strings.Join([]string{
	``,
	`[^\s'"` + "`" + `#$\\](?:[^#$\\]|\\[^$\\#]|\\\$)*?(?:\s+#.*)?`,
	`'[^'$\\]*'\s*(?:#.*)?`,
	`"(?:[^"$\\]|\\\$|\\n)*"\s*(?:#.*)?`,
}, "|") + ")$")

// template matches what Serverless Devs evaluates in a value after reading it.
var template = regexp.MustCompile(`\$\{|<%`)

// ReadEnvFile reads the settings of file, lines of the form NAME=value as in
// the .env file of Serverless Devs. Besides the values it returns the mistakes,
// a line each, among them every value that Serverless Devs reads otherwise: the
// same file would give a function other settings. They never repeat a value,
// which may be a secret. The last result is the error of reading the file.
func ReadEnvFile(file string) (values map[string]string, mistakes, err error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the settings: %w", err)
	}
	values = map[string]string{}
	var all []error
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(string(b), "\ufeff")) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		m := envLine.FindStringSubmatch(line)
		if m == nil {
			all = append(all, fmt.Errorf("%s:%d: is not of the form NAME=value", file, number))
			continue
		}
		name, value := m[1], m[2]
		switch {
		case template.MatchString(value):
			all = append(all, fmt.Errorf("%s:%d: %s: has ${ or <%%, which Serverless Devs evaluates: use a value without them", file, number, name))
		case !alike.MatchString(value):
			all = append(all, fmt.Errorf("%s:%d: %s: is read otherwise by Serverless Devs: write it in double quotes, $ as \\$, without \" or other \\", file, number, name))
		default:
			parsed, err := godotenv.Unmarshal(line)
			if err != nil { // without its text, which may repeat the value
				all = append(all, fmt.Errorf("%s:%d: %s: cannot be parsed", file, number, name))
				continue
			}
			values[name] = parsed[name]
		}
	}
	return values, errors.Join(all...), nil
}
