package cli

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

const intro = `Reports which Cloud Phone matrices failed, have expired or expire soon.

Usage: matrix-expiry-report COMMAND [flags]
`

const outro = `
matrix-expiry-report COMMAND --help describes a command and its flags.

Examples:
  matrix-expiry-report demo
  matrix-expiry-report doctor --env-file .env
  matrix-expiry-report report --post --env-file .env

Settings are environment variables, or lines of a file named with --env-file.
Without a command, the program is the function and expects the Function Compute
runtime.
`

const footer = `
Exit codes: 0 all well, 1 the run failed, 2 wrong usage or settings, 3 something
needs attention or, for report, no matrices were found. demo ends with 0.
`

// help describes all commands, or the one in the argument.
func (p Program) help(*flag.FlagSet) action {
	return func(_ context.Context, name string) error {
		text := overview()
		if name != "" {
			c, err := find(name)
			if err != nil {
				return err
			}
			text = c.help()
		}
		_, err := io.WriteString(p.Stdout, text)
		return err
	}
}

// overview returns the help on the program.
func overview() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, intro, "\nCommands:\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %s\t%s\n", c.usage(), c.Summary)
	}
	fmt.Fprint(w, outro, footer, "Documentation: README.md, and docs/ for channels, HTTP, templates and operations\n")
	_ = w.Flush() // a strings.Builder accepts everything
	return b.String()
}

// help returns the help on a command.
func (c command) help() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "Usage: matrix-expiry-report %s [flags]\n\n%s%s.\n\nFlags:\n", c.usage(), strings.ToUpper(c.Summary[:1]), c.Summary[1:])
	placeholders := []string{c.Argument}
	for _, f := range append(c.Flags(), flagRow{Name: "help", Usage: "print this"}) {
		fmt.Fprintf(w, "  %s\t%s\n", strings.TrimSpace("--"+f.Name+" "+f.Value), f.Usage)
		placeholders = append(placeholders, f.Value)
	}
	values := ""
	for _, name := range placeholders {
		if all := choices(name); len(all) > 0 && name != "[COMMAND]" { // which overview lists
			values += fmt.Sprintf("\n%s: %s", name, strings.Join(all, ", "))
		}
	}
	if values != "" {
		values += "\n"
	}
	fmt.Fprintf(w, "%s\nExamples:\n  %s\n%sDocumentation: %s\n", values, strings.Join(c.examples, "\n  "), footer, c.docs)
	_ = w.Flush() // a strings.Builder accepts everything
	return b.String()
}

// usage returns the name of the command and the placeholder of its argument.
func (c command) usage() string { return strings.TrimSpace(c.Name + " " + c.Argument) }

// A flagRow describes one flag of a command.
type flagRow struct {
	Name    string
	Value   string // a placeholder; empty if the flag takes no value
	Usage   string
	Choices []string // of the value; none means any
}

// Flags returns the flags of the command, sorted by name.
func (c command) Flags() (all []flagRow) {
	set := c.flagSet()
	c.setup(Program{}, set)
	set.VisitAll(func(f *flag.Flag) {
		value, usage := flag.UnquoteUsage(f)
		if f.DefValue != "" && f.DefValue != "false" {
			usage += " (default " + f.DefValue + ")"
		}
		all = append(all, flagRow{f.Name, value, usage, choices(value)})
	})
	return all
}
