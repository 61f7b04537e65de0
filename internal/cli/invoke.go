package cli

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"net/http"

	"matrix-expiry-report/internal/fcinvoke"
)

// invoke calls the HTTP trigger of a deployed function with authType: function,
// and writes the body of its response to standard output.
func (p Program) invoke(flags *flag.FlagSet) action {
	method := flags.String("method", "", "HTTP `METHOD` (default GET, or POST with --data)")
	data := flags.String("data", "", "body of the request, as `JSON`")
	envFile := flags.String("env-file", "", "read the access key from `FILE`; environment variables win")
	return func(ctx context.Context, url string) error {
		defaultMethod := http.MethodGet
		if *data != "" {
			defaultMethod = http.MethodPost
		}
		_, invalid, err := p.readEnvFile(*envFile)
		switch {
		case err != nil:
			return err
		case invalid != nil:
			return settingsError{invalid}
		}
		return p.call(ctx, cmp.Or(*method, defaultMethod), url, *data)
	}
}

func (p Program) call(ctx context.Context, method, url, data string) error {
	key, err := credentials(ctx)
	if err != nil {
		return err
	}
	status, body, err := fcinvoke.Call(ctx, method, url, []byte(data), key)
	if err != nil {
		return err
	}
	if _, err := (plainWriter{p.Stdout}).Write(body); err != nil {
		return err
	}
	if status >= 300 {
		return fmt.Errorf("the function returned HTTP %d", status)
	}
	return nil
}
