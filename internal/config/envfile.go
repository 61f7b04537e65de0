package config

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/joho/godotenv"
)

// envLine matches a line of a file of settings. Serverless Devs and godotenv accept
// other lines too, but read them differently.
const envLine = `^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$`

// alike matches the values that Serverless Devs and godotenv read the same way:
// without quotes, in single quotes, in double quotes. Serverless Devs cuts a
// value without quotes at any #, evaluates <%, and replaces $NAME, even in
// single quotes and as \$NAME, since it expands the file twice.
const alike = "^(?:" +
	"|" +
	`[^\s'"` + "`" + `#$\\](?:[^#$\\]|\\[^$\\#])*?(?:\s+#.*)?` + "|" +
	`'[^'$\\]*'\s*(?:#.*)?` + "|" +
	`"(?:[^"$\\]|\\n)*"\s*(?:#.*)?` +
	")$"

// ReadEnvFile reads a file of settings, with lines of the form NAME=value as in the
// .env file of Serverless Devs. It returns the values by name; mistakes, an error
// with one line for each invalid line and for each value that Serverless Devs would
// read differently, or nil; and err, if the file could not be read. mistakes
// contains no values, which may be secrets.
func ReadEnvFile(file string) (values map[string]string, mistakes, err error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the settings: %w", err)
	}
	values = map[string]string{}
	form, same := regexp.MustCompile(envLine), regexp.MustCompile(alike) // only now, as a function has no such file
	var all []error
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(string(b), "\ufeff")) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		m := form.FindStringSubmatch(line)
		if m == nil {
			all = append(all, fmt.Errorf("%s:%d: is not of the form NAME=value", file, number))
			continue
		}
		name, value := m[1], m[2]
		if !same.MatchString(value) || strings.Contains(value, "<%") {
			all = append(all, fmt.Errorf("%s:%d: %s: is read otherwise by Serverless Devs: put it in double quotes, without $, \", \\ or <%%", file, number, name))
			continue
		}
		parsed, err := godotenv.Unmarshal(line)
		if err != nil { // without its text, which may repeat the value
			all = append(all, fmt.Errorf("%s:%d: %s: cannot be parsed", file, number, name))
			continue
		}
		values[name] = parsed[name]
	}
	return values, errors.Join(all...), nil
}
