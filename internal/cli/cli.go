// Package cli is the command line of the program. It builds the program's parts
// from the settings, runs one command and turns its outcome into an exit code.
// Without a command it serves Function Compute.
//
// To add a command, write a file like version.go and add a row to the table of
// commands, from which help, the completion of shells and the suggestions of
// errors follow.
package cli

import (
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// A Program is the environment in which commands run.
type Program struct {
	Getenv         func(string) string
	Stdout, Stderr io.Writer
	Version        string // empty means the version of the main module
}

// Main runs the command in args and returns the exit code of the process.
func (p Program) Main(args []string) int {
	return exitCode(p.Stderr, p.Run(context.Background(), args))
}

// Run runs the command in args, or serves Function Compute if args is empty.
func (p Program) Run(ctx context.Context, args []string) error {
	switch {
	case len(args) == 0 && p.Getenv("FC_RUNTIME_API") != "":
		return p.function()
	case len(args) == 0:
		if _, err := io.WriteString(p.Stderr, overview()); err != nil {
			return err
		}
		return errReported{usageError{errors.New("no command")}}
	}
	c, err := find(args[0])
	if err != nil {
		return err
	}
	flags := c.flagSet()
	run := c.setup(p, flags)
	argument, err := c.parse(flags, args[1:])
	if errors.Is(err, flag.ErrHelp) {
		_, err := io.WriteString(p.Stdout, c.help())
		return err
	}
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process
	return run(ctx, argument)
}
