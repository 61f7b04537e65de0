package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"matrix-expiry-report/internal/locale"
)

// completionScript writes the script for a shell, checks its syntax with that
// shell, and returns its path. Without the shell it skips the test; in CI it
// fails it.
func completionScript(t *testing.T, shell string) string {
	t.Helper()
	if _, err := exec.LookPath(shell); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("%v, so its completion is not tested", err)
	}
	file := filepath.Join(t.TempDir(), "completion."+shell)
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	p := Program{Getenv: os.Getenv, Stdout: out, Stderr: t.Output()}
	if code := p.Main([]string{"completion", shell}); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	if b, err := exec.CommandContext(t.Context(), shell, "-n", file).CombinedOutput(); err != nil || len(b) > 0 {
		t.Fatalf("%s -n: %v\n%s", shell, err, b)
	}
	return file
}

// A typed line and what a shell offers for its last word.
type typed struct {
	line string
	want []string
}

// typedLines returns what every shell must complete in the same way.
func typedLines() (all []typed) {
	names := choices("COMMAND")
	all = []typed{
		{"pre", []string{"preview"}},
		{"report --po", []string{"--post"}},
		{"report --lang ", locale.Languages()},
		{"report --lang z", []string{"zh"}},
		{"report --post --lang ", locale.Languages()},
		{"preview --channel d", []string{"dingtalk"}},
		{"preview --channel ", choices("CHANNEL")},
		{"completion ", choices("SHELL")},
		{"help ", names},
		{"report --env-file sett", []string{"settings.env"}},
		{"report --days ", nil},
		{"report sett", nil},
	}
	for _, c := range commands() {
		flags := []string{"--help"}
		for _, f := range c.Flags() {
			flags = append(flags, "--"+f.Name)
		}
		all = append(all, typed{c.Name + " --", flags})
	}
	return all
}

// inFolder returns a command that runs in a folder with a file settings.env.
func inFolder(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(cmd.Dir, "settings.env"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), "HOME="+cmd.Dir, "LC_ALL=C.UTF-8")
	return cmd
}

func checkOffered(t *testing.T, line string, got, want []string) {
	t.Helper()
	got, want = slices.Compact(slices.Sorted(slices.Values(got))), slices.Sorted(slices.Values(want)) // zsh may offer twice
	if !slices.Equal(got, want) {
		t.Errorf("%q: offered %q, want %q", line, got, want)
	}
}

// Bash completes a line like an interactive one, except the names of files, which
// the line editor adds if the script allows that with compopt.
func TestCompletionForBash(t *testing.T) {
	script := completionScript(t, "bash")
	lines := append(typedLines(), typed{"", append(choices("COMMAND"), "--help", "--version")}, typed{"report --lang = z", []string{"zh"}}, typed{"report --lang =", locale.Languages()})
	const complete = `
compopt() { [ "$*" = "-o default" ] && files=1; }
source "$1"
[ "$(complete -p matrix-expiry-report)" = "complete -F _matrix_expiry_report matrix-expiry-report" ] || exit 1
read -r -a COMP_WORDS <<<"matrix-expiry-report $2"
[[ $2 == "" || $2 == *" " ]] && COMP_WORDS+=("")
COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
_matrix_expiry_report matrix-expiry-report "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
[ "$files" ] && mapfile -t COMPREPLY < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")
printf '%s\n' "${COMPREPLY[@]}"`
	for _, l := range lines {
		out, err := inFolder(t, "bash", "--norc", "-c", complete, "bash", script, l.line).CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v\n%s", l.line, err, out)
		}
		checkOffered(t, l.line, strings.Fields(string(out)), l.want)
	}
}

func TestCompletionForFish(t *testing.T) {
	script := completionScript(t, "fish")
	for _, l := range append(typedLines(), typed{"", choices("COMMAND")}, typed{"report --lang=", []string{"--lang=en", "--lang=zh"}}) {
		out, err := inFolder(t, "fish", "--no-config", "-c", `source $argv[1]; complete -C "matrix-expiry-report $argv[2]"`, script, l.line).CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v\n%s", l.line, err, out)
		}
		var got []string
		for line := range strings.Lines(string(out)) {
			word, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
			got = append(got, word)
		}
		checkOffered(t, l.line, got, l.want)
	}
}

// Zsh completes only in an interactive shell, which is run on a pseudo-terminal.
// There, what compadd is called with is what zsh offers.
func TestCompletionForZsh(t *testing.T) {
	script := completionScript(t, "zsh")
	const complete = `
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'PROMPT=; autoload -Uz compinit; compinit -u -D; source $SCRIPT
compadd() { local -a hits; builtin compadd -O hits "$@"; builtin compadd "$@"; print -rl -- $hits >>$OFFERED; }
complete-line() { zle expand-or-complete; zle kill-whole-line; print END >>$OFFERED; print DONE; }
zle -N complete-line; bindkey "^I" complete-line
print READ""Y'
zpty -r -m shell output '*READY*'
for line; do
	zpty -n -w shell "matrix-expiry-report $line"$'\t'
	zpty -r -m shell output '*DONE*'
done
zpty -d shell`
	lines := append(typedLines(), typed{"", choices("COMMAND")}, typed{"report --lang=", locale.Languages()})
	args := []string{"-f", "-c", complete, "zsh"}
	for _, l := range lines {
		args = append(args, l.line)
	}
	cmd := inFolder(t, "zsh", args...)
	offered := filepath.Join(t.TempDir(), "offered")
	cmd.Env = append(cmd.Env, "SCRIPT="+script, "OFFERED="+offered, "TERM=dumb")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b, err := os.ReadFile(offered)
	answers := strings.Split(string(b), "END\n")
	if err != nil || len(answers) != len(lines)+1 {
		t.Fatalf("%d answers to %d lines: %v\n%s", len(answers)-1, len(lines), err, b)
	}
	for i, l := range lines {
		checkOffered(t, l.line, strings.Fields(answers[i]), l.want)
	}
}
