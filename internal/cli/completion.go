package cli

import (
	"context"
	"embed"
	"flag"
	"strings"
	"text/template"
)

// completions are templates of the scripts, by shell.
//
//go:embed completion
var completions embed.FS

// completion prints the script that completes commands and flags in a shell.
func (p Program) completion(*flag.FlagSet) action {
	return func(_ context.Context, shell string) error {
		functions := template.FuncMap{
			"join":  func(words []string) string { return strings.Join(words, " ") },
			"quote": func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" },
			"spec":  strings.NewReplacer(":", `\:`, "[", `\[`, "]", `\]`).Replace, // for zsh
		}
		script, err := template.New(shell+".tmpl").Funcs(functions).ParseFS(completions, "completion/"+shell+".tmpl")
		if err != nil {
			return err
		}
		return script.Execute(p.Stdout, commands())
	}
}
