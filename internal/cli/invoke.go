package cli

import (
	"context"
	"fmt"
	"net/http"

	"matrix-expiry-report/internal/fcinvoke"
)

// invoke calls the deployed function as its HTTP trigger wants it with
// authType: function. The answer goes to standard output as it is.
func (p Program) invoke(ctx context.Context, args []string) error {
	flags := p.flags("invoke")
	method := flags.String("method", "", "")
	data := flags.String("data", "", "")
	if err := flags.Parse(args); err != nil || flags.NArg() == 0 {
		return fmt.Errorf("%w\ninvoke wants the address of the HTTP trigger, such as https://….cn-shanghai.fcapp.run/report; see --help", errUsage)
	}
	address := flags.Arg(0)
	if err := parse(flags, flags.Args()[1:]); err != nil { // flags may stand behind it, too
		return err
	}
	if *method == "" {
		*method = map[bool]string{true: http.MethodPost, false: http.MethodGet}[*data != ""]
	}
	key, err := credentials(ctx)
	if err != nil {
		return err
	}
	status, body, err := fcinvoke.Call(ctx, *method, address, []byte(*data), key)
	if err != nil {
		return err
	}
	if _, err := p.Stdout.Write(body); err != nil {
		return err
	}
	if status >= 300 {
		return fmt.Errorf("the function answered HTTP %d", status)
	}
	return nil
}
