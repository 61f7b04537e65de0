package cli

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"matrix-expiry-report/internal/chat"
	"matrix-expiry-report/internal/locale"
)

// A command is a row of the table of commands.
type command struct {
	Name     string
	Argument string   // a placeholder of what follows the name, in brackets if it is optional; empty if nothing follows
	Summary  string   // what it does, as one line without a full stop
	examples []string // to copy into a shell
	docs     string   // where it is documented: a file of the repository and a heading

	// setup defines the flags of the command and returns the function that runs
	// it once they are parsed.
	setup func(Program, *flag.FlagSet) action
}

// An action runs a command with its argument.
type action func(ctx context.Context, argument string) error

// commands returns the table of commands, in the order in which help lists them.
func commands() []command {
	return []command{
		{"demo", "", "run everything locally, without an account or a network", []string{
			"matrix-expiry-report demo",
			"matrix-expiry-report demo --lang zh",
		}, "README.md", Program.demo},
		{"report", "", "list the account's matrices, and print or post the report", []string{
			"matrix-expiry-report report --env-file .env",
			"matrix-expiry-report report --days 7 --region cn-hangzhou,cn-shanghai",
			"matrix-expiry-report report --post --exit-zero --env-file .env",
			"matrix-expiry-report report --since 2026-11-01 --env-file .env",
		}, "README.md#on-demand", Program.report},
		{"doctor", "", "check settings, access key, endpoints, clock and channels", []string{
			"matrix-expiry-report doctor --env-file .env",
			"matrix-expiry-report doctor --post-test",
		}, "README.md#when-something-goes-wrong", Program.doctor},
		{"preview", "", "show the message of every channel in every language", []string{
			"matrix-expiry-report preview --channel slack,dingtalk --lang zh",
			"matrix-expiry-report preview --html page.html",
		}, "docs/templates.md", Program.preview},
		{"invoke", "URL", "call the deployed HTTP trigger, signed with your access key", []string{
			"matrix-expiry-report invoke https://….fcapp.run/report",
			`matrix-expiry-report invoke https://….fcapp.run/notify --data '{"days":7}'`,
		}, "docs/http.md#access", Program.invoke},
		{"serve", "", "serve HTTP like the function's trigger", []string{
			"matrix-expiry-report serve --env-file .env",
		}, "docs/http.md#the-web-page", Program.serve},
		{"emulator", "", "serve an emulated Cloud Phone API and emulated chats", []string{
			"matrix-expiry-report emulator --listen 127.0.0.1:8081",
		}, "README.md#try-it", Program.emulator},
		{"completion", "SHELL", "print a script that completes commands and flags in a shell", []string{
			`eval "$(matrix-expiry-report completion bash)"  # in ~/.bashrc`,
			`eval "$(matrix-expiry-report completion zsh)"   # in ~/.zshrc, after compinit`,
			"matrix-expiry-report completion fish | source  # in ~/.config/fish/config.fish",
		}, "README.md#on-demand", Program.completion},
		{"help", "[COMMAND]", "describe a command and its flags", []string{
			"matrix-expiry-report help report",
		}, "README.md#on-demand", Program.help},
		{"version", "", "print the version", []string{
			"matrix-expiry-report version",
		}, "CHANGELOG.md", Program.version},
	}
}

// choices returns the values that a placeholder of a flag or an argument stands
// for. It returns none for a placeholder such as FILE.
func choices(placeholder string) (values []string) {
	switch strings.Trim(placeholder, "[]") {
	case "LANGUAGE":
		return locale.Languages()
	case "SHELL":
		return []string{"bash", "zsh", "fish"}
	case "CHANNEL":
		for _, k := range chat.Kinds {
			values = append(values, k.Name)
		}
	case "COMMAND":
		for _, c := range commands() {
			values = append(values, c.Name)
		}
	}
	return values
}

// find returns the command with a name, or the one that a flag stands for.
func find(name string) (command, error) {
	switch name {
	case "--help", "-help", "-h":
		name = "help"
	case "--version", "-version":
		name = "version"
	}
	all := commands()
	i := slices.IndexFunc(all, func(c command) bool { return c.Name == name })
	if i < 0 {
		return command{}, usageError{fmt.Errorf("unknown command %q%s; see --help", name, suggestion(name, append(choices("COMMAND"), "--help", "--version")))}
	}
	return all[i], nil
}

// needsArgument reports whether an argument must follow the name.
func (c command) needsArgument() bool {
	return c.Argument != "" && !strings.HasPrefix(c.Argument, "[")
}

// Choices returns the values of the argument; none means any.
func (c command) Choices() []string { return choices(c.Argument) }

func (c command) flagSet() *flag.FlagSet {
	f := flag.NewFlagSet(c.Name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	return f
}

// parse parses the flags of the command, which may also follow its argument, and
// returns the argument.
func (c command) parse(f *flag.FlagSet, args []string) (argument string, err error) {
	wrong := func(format string, values ...any) error {
		return usageError{fmt.Errorf("%s: "+format+"; see %[1]s --help", append([]any{c.Name}, values...)...)}
	}
	for {
		if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
			return "", err
		} else if name, undefined := strings.CutPrefix(fmt.Sprint(err), "flag provided but not defined: -"); undefined {
			names := []string{"--help"}
			f.VisitAll(func(f *flag.Flag) { names = append(names, "--"+f.Name) })
			return "", wrong("unknown flag --%s%s", name, suggestion("--"+name, names))
		} else if err != nil {
			return "", wrong("%s", flagWords.Replace(err.Error()))
		}
		switch {
		case f.NArg() == 0 && argument == "" && c.needsArgument():
			return "", wrong("%s is missing", c.Argument)
		case f.NArg() == 0:
			return argument, nil
		case c.Argument == "" || argument != "":
			return "", wrong("unexpected argument %q", f.Arg(0))
		}
		argument, args = f.Arg(0), f.Args()[1:]
		if values := c.Choices(); len(values) > 0 && !slices.Contains(values, argument) {
			return "", wrong("unknown %s %q%s", strings.ToLower(strings.Trim(c.Argument, "[]")), argument, suggestion(argument, values))
		}
	}
}

// flagWords replaces the words of package flag, which writes flags with one dash.
var flagWords = strings.NewReplacer(" for flag -", " for --", " for -", " for --", "flag needs an argument: -", "no value for --")

// listFlag defines a flag whose value is a list of the choices of the placeholder
// in its usage.
func listFlag(f *flag.FlagSet, name, usage string) *[]string {
	var list []string
	_, rest, _ := strings.Cut(usage, "`")
	placeholder, _, _ := strings.Cut(rest, "`")
	f.Func(name, usage, func(v string) error {
		for value := range strings.SplitSeq(v, ",") {
			value = strings.TrimSpace(value)
			if allowed := choices(placeholder); !slices.Contains(allowed, value) {
				return errors.New("not one of " + strings.Join(allowed, ", "))
			}
			list = append(list, value)
		}
		return nil
	})
	return &list
}

// suggestion returns a question for the name that is most like name, or "" if
// none is.
func suggestion(name string, names []string) string {
	distance := func(other string) int {
		if strings.HasPrefix(other, name) || strings.HasPrefix(name, other) {
			return 1
		}
		return edits(name, other)
	}
	nearest := slices.MinFunc(names, func(a, b string) int { return cmp.Compare(distance(a), distance(b)) })
	if d := distance(nearest); d > 2 || d >= len(strings.TrimLeft(name, "-")) {
		return ""
	}
	return " (did you mean " + nearest + "?)"
}

// edits returns how many characters must be inserted, deleted, replaced or
// swapped with their neighbour to turn a into b.
func edits(a, b string) int {
	d := make([][]int, len(a)+1) // of the beginnings of a and b
	for i := range d {
		d[i] = make([]int, len(b)+1)
		for j := range d[i] {
			switch {
			case i == 0 || j == 0:
				d[i][j] = i + j
			case a[i-1] == b[j-1]:
				d[i][j] = d[i-1][j-1]
			default:
				d[i][j] = 1 + min(d[i-1][j], d[i][j-1], d[i-1][j-1])
				if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
					d[i][j] = min(d[i][j], 1+d[i-2][j-2])
				}
			}
		}
	}
	return d[len(a)][len(b)]
}
