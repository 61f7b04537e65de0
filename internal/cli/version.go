package cli

import (
	"context"
	"flag"
	"fmt"
	"runtime/debug"
)

// version prints the version of the program.
func (p Program) version(*flag.FlagSet) action {
	return func(context.Context, string) error {
		v := p.Version
		if info, ok := debug.ReadBuildInfo(); ok && v == "" {
			v = info.Main.Version
		}
		_, err := fmt.Fprintln(p.Stdout, v)
		return err
	}
}
