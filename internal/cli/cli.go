// Package cli is the program: a command of the command line, or, without one,
// the function that Function Compute starts. It builds the parts from the
// settings and turns outcomes into exit codes. To add a command, write a file
// like version.go and add a line to commands.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// Outcomes that have exit codes of their own.
var (
	ErrAttention = errors.New("something needs attention") // the report has said what
	errUsage     = errors.New("wrong usage")               // and wrong settings
)

// errTold is an error that standard output has told.
type errTold struct{ error }

func (e errTold) Unwrap() error { return e.error }

// exitCode tells err, unless it was told already, and what to exit with: 0 all
// well, 3 something needs attention, 2 wrong usage or settings, 1 could not.
func exitCode(stderr io.Writer, err error) int {
	_, told := errors.AsType[errTold](err)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, ErrAttention):
		return 3
	case told && errors.Is(err, errUsage):
		return 2
	case told:
		return 1
	case errors.Is(err, errUsage):
		fmt.Fprintln(stderr, strings.TrimPrefix(err.Error(), errUsage.Error()+"\n"))
		return 2
	}
	fmt.Fprintln(stderr, "matrix-expiry-report:", err)
	return 1
}

// A Program is what every command works with: everything outside of it is a field.
type Program struct {
	Getenv         func(string) string
	Stdout, Stderr io.Writer
	Version        string // empty for that of the build
}

// commands by name; help lists them by hand.
var commands = map[string]func(Program, context.Context, []string) error{
	"demo":     Program.demo,
	"doctor":   Program.doctor,
	"invoke":   Program.invoke,
	"report":   Program.report,
	"preview":  Program.preview,
	"serve":    Program.serve,
	"emulator": Program.emulator,
	"version":  Program.version,
}

const help = `Tells which Cloud Phone matrices failed, have expired or expire soon.

  matrix-expiry-report demo       see it all work, without an account or a network
  matrix-expiry-report report     look at the account: print the report
      --post                      and post it to the channels that are set up
      --json                      as JSON
  matrix-expiry-report preview    see the message of every channel, in every language
      --report FILE               of a report as JSON (else of a made-up fleet)
      --html FILE                 as a page that looks like the chats
  matrix-expiry-report doctor     look at settings, key, endpoints, clocks, chats and zones
      --post-test                 and send a message that says that it is a test
      --json                      as JSON
  matrix-expiry-report invoke URL call the deployed HTTP trigger, signed with your key
      --method POST  --data '{"days":7}'
  matrix-expiry-report serve      answer HTTP as the function's trigger does
      --listen 127.0.0.1:9000
  matrix-expiry-report emulator   serve an emulated Cloud Phone API for any official client
      --listen 127.0.0.1:8080  --key-id emulator  --key-secret emulator-secret
  matrix-expiry-report version

Without a command it is the function itself and wants Function Compute around it.
Settings are environment variables: see the README. The access key comes from the
function's role, ALIBABA_CLOUD_ACCESS_KEY_ID and _SECRET, or a profile of the
aliyun command line.

Exit codes: 0 all well, 3 something needs attention, 2 wrong usage or settings,
1 could not. A demo ends with 0.
`

// Main runs the program and returns the exit code of the process.
func (p Program) Main(args []string) int {
	return exitCode(p.Stderr, p.Run(context.Background(), args))
}

// Run runs the command that args begin with. Without one it serves Function
// Compute.
func (p Program) Run(ctx context.Context, args []string) error {
	switch {
	case len(args) > 0 && (args[0] == "--help" || args[0] == "-h" || args[0] == "help"):
		_, err := io.WriteString(p.Stdout, help)
		return err
	case len(args) > 0:
		command, ok := commands[args[0]]
		if !ok {
			return fmt.Errorf("%w\nthere is no command %q: demo, report, preview, doctor, invoke, serve, emulator, version or help", errUsage, args[0])
		}
		ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
		defer stop()
		return command(p, ctx, args[1:])
	case p.Getenv("FC_RUNTIME_API") == "":
		return fmt.Errorf("%w\n%s", errUsage, strings.TrimSuffix(help, "\n"))
	}
	return p.function()
}

// flags makes a set that says nothing itself: help is written by hand, and
// mistakes are told by exitCode.
func (p Program) flags(command string) *flag.FlagSet {
	f := flag.NewFlagSet(command, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Usage = func() { _, _ = io.WriteString(p.Stdout, help) }
	return f
}

func parse(f *flag.FlagSet, args []string) error {
	err := f.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil:
		return fmt.Errorf("%w\n%s: %w; see --help", errUsage, f.Name(), err)
	case f.NArg() > 0:
		return fmt.Errorf("%w\n%s takes no %q; see --help", errUsage, f.Name(), f.Arg(0))
	}
	return nil
}
