package cli

import (
	"context"
	"fmt"
	"runtime/debug"
)

// version prints the version of the program.
func (p Program) version(_ context.Context, args []string) error {
	if err := parse(p.flags("version"), args); err != nil {
		return err
	}
	v := p.Version
	if info, ok := debug.ReadBuildInfo(); ok && v == "" {
		v = info.Main.Version
	}
	_, err := fmt.Fprintln(p.Stdout, v)
	return err
}
