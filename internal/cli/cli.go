// Package cli is the command line of the program. It builds the program's parts
// from the settings, runs one command and turns its outcome into an exit code.
// Without a command it serves Function Compute.
//
// To add a command, write a file like version.go, add it to commands and
// describe it in help.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

// A Program is the environment in which commands run.
type Program struct {
	Getenv         func(string) string
	Stdout, Stderr io.Writer
	Version        string // empty means the version of the main module
}

// commands are the commands by name. They are described in help.
var commands = map[string]func(Program, context.Context, []string) error{
	"demo":     Program.demo,
	"doctor":   Program.doctor,
	"emulator": Program.emulator,
	"invoke":   Program.invoke,
	"preview":  Program.preview,
	"report":   Program.report,
	"serve":    Program.serve,
	"version":  Program.version,
}

const help = `Reports which Cloud Phone matrices failed, have expired or expire soon.

  matrix-expiry-report demo       run everything locally, without an account or a network
  matrix-expiry-report report     list the account's matrices and print the report
      --post                      also post it to the configured channels
      --exit-zero                 with --post: exit 0 if every channel has it, for schedulers
      --metrics FILE              also write metrics for Prometheus' textfile collector
      --json                      print JSON
  matrix-expiry-report preview    print the message of every channel in every language
      --report FILE               use the report in FILE (from report --json) instead of a sample
      --html FILE                 write them to FILE, as a web page that looks like the chats
  matrix-expiry-report doctor     check settings, credentials, endpoints, clock and channels
      --post-test                 also send a test message
      --json                      print JSON
  matrix-expiry-report invoke URL call the deployed HTTP trigger, signed with your access key
      --method METHOD             HTTP method (default GET, or POST with --data)
      --data JSON                 body of the request, such as '{"days":7}'
  matrix-expiry-report serve      serve HTTP like the function's trigger
      --listen ADDR               address to listen on (default 127.0.0.1:9000)
  matrix-expiry-report emulator   serve an emulated Cloud Phone API and emulated chats
      --listen ADDR               address to listen on (default 127.0.0.1:8080)
      --key-id ID                 access key that it accepts (default emulator)
      --key-secret SECRET         secret of that access key (default emulator-secret)
  matrix-expiry-report version    print the version

With no command it runs as the function and expects the Function Compute runtime.
Settings are environment variables, listed in the README. report, doctor, preview
and serve also read them from a file with --env-file FILE; see .env.example. The
access key is that of the function's role, ALIBABA_CLOUD_ACCESS_KEY_ID and
_SECRET, or a profile of the aliyun command line.

Exit codes: 0 all well, 1 the run failed, 2 wrong usage or settings, 3 something
needs attention. demo ends with 0.
`

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
		if _, err := io.WriteString(p.Stderr, help); err != nil {
			return err
		}
		return errReported{usageError{errors.New("no command")}}
	case args[0] == "--help" || args[0] == "-h" || args[0] == "help":
		_, err := io.WriteString(p.Stdout, help)
		return err
	}
	command, ok := commands[args[0]]
	if !ok {
		return usageError{fmt.Errorf("unknown command %q: use %s or help", args[0], strings.Join(slices.Sorted(maps.Keys(commands)), ", "))}
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process
	return command(p, ctx, args[1:])
}

// flags returns the flag set of a command, which prints nothing but help.
func (p Program) flags(command string) *flag.FlagSet {
	f := flag.NewFlagSet(command, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Usage = func() { _, _ = io.WriteString(p.Stdout, help) }
	return f
}

// parse parses the flags of a command that takes no arguments.
func parse(f *flag.FlagSet, args []string) error {
	err := f.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil:
		return usageError{fmt.Errorf("%s: %w; see --help", f.Name(), err)}
	case f.NArg() > 0:
		return usageError{fmt.Errorf("%s: unexpected argument %q; see --help", f.Name(), f.Arg(0))}
	}
	return nil
}
