package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"

	"matrix-expiry-report/internal/fcinvoke"
)

// invoke calls the HTTP trigger of a deployed function with authType: function,
// and writes the body of its response to standard output.
func (p Program) invoke(ctx context.Context, args []string) error {
	flags := p.flags("invoke")
	method := flags.String("method", "", "")
	data := flags.String("data", "", "")
	if err := flags.Parse(args); err != nil || flags.NArg() == 0 {
		return usageError{errors.New("invoke: needs the URL of the HTTP trigger, such as https://….cn-shanghai.fcapp.run/report; see --help")}
	}
	url := flags.Arg(0)
	if err := parse(flags, flags.Args()[1:]); err != nil { // flags may follow the URL
		return err
	}
	defaultMethod := http.MethodGet
	if *data != "" {
		defaultMethod = http.MethodPost
	}
	key, err := credentials(ctx)
	if err != nil {
		return err
	}
	status, body, err := fcinvoke.Call(ctx, cmp.Or(*method, defaultMethod), url, []byte(*data), key)
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
