package cli

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// Help fits a terminal of 80 columns, and describes every command and flag.
func TestHelp(t *testing.T) {
	texts := map[string]string{"": overview()}
	for _, c := range commands() {
		texts[c.Name] = c.help()
		if !strings.Contains(texts[""], "\n  "+c.usage()+" ") {
			t.Errorf("help does not list %s", c.Name)
		}
		for _, f := range c.Flags() {
			if !strings.Contains(texts[c.Name], "\n  --"+f.Name) || f.Usage == "" {
				t.Errorf("help on %s does not describe --%s", c.Name, f.Name)
			}
		}
	}
	for name, text := range texts {
		for line := range strings.Lines(text) {
			if line = strings.TrimSuffix(line, "\n"); utf8.RuneCountInString(line) > 80 || strings.TrimRight(line, " ") != line {
				t.Errorf("help on %q has a line of %d columns, or spaces at its end: %q", name, utf8.RuneCountInString(line), line)
			}
		}
	}
}

var commandLine = regexp.MustCompile(`matrix-expiry-report ([a-z].*?)(?:\)"|\s+\||\s+#|\n|$)`)

// parseLines parses the commands in text as the program does, and returns their
// names.
func parseLines(t *testing.T, text string) (names []string) {
	t.Helper()
	for _, m := range commandLine.FindAllStringSubmatch(text, -1) {
		args := strings.Fields(m[1])
		c, err := find(args[0])
		if err == nil {
			flags := c.flagSet()
			c.setup(Program{}, flags)
			_, err = c.parse(flags, args[1:])
		}
		if err != nil {
			t.Errorf("%s: %v", m[0], err)
		}
		names = append(names, args[0])
	}
	return names
}

// The examples of help are valid, and each command has one of its own.
func TestExamples(t *testing.T) {
	for _, c := range commands() {
		for _, e := range c.examples {
			if names := parseLines(t, e); !slices.Equal(names, []string{c.Name}) {
				t.Errorf("%s: the example %q has the commands %q", c.Name, e, names)
			}
		}
		if len(c.examples) == 0 {
			t.Errorf("%s has no example", c.Name)
		}
	}
	if names := parseLines(t, outro); len(names) < 3 {
		t.Errorf("help has the examples %q", names)
	}
}

// The documents that help names exist, in both languages if they have both.
func TestDocsOfCommandsExist(t *testing.T) {
	heading := regexp.MustCompile(`(?m)^#+ (.*)$`)
	for _, c := range commands() {
		file, anchor, _ := strings.Cut(c.docs, "#")
		b, err := os.ReadFile("../../" + file)
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
		found := anchor == ""
		for _, m := range heading.FindAllStringSubmatch(string(b), -1) {
			found = found || strings.ReplaceAll(strings.ToLower(m[1]), " ", "-") == anchor
		}
		if !found {
			t.Errorf("%s: %s has no heading for #%s", c.Name, file, anchor)
		}
	}
}

// Both READMEs have a block that lists the commands in the order of the table,
// except those that are described elsewhere. The flags in its comments are those of
// their command, and every other flag that a README names exists.
func TestREADMEsListCommands(t *testing.T) {
	var table []string
	flags := map[string][]string{}
	for _, c := range commands() {
		if !slices.Contains([]string{"demo", "help", "version"}, c.Name) {
			table = append(table, c.Name)
		}
		flags[c.Name] = []string{"help"}
		for _, f := range c.Flags() {
			flags[c.Name] = append(flags[c.Name], f.Name)
		}
	}
	all := append(slices.Concat(slices.Collect(maps.Values(flags))...), "prefix", "from-env-file") // and of npm and kubectl
	flag, inBlock := regexp.MustCompile("[^-]--([a-z][a-z-]*)"), regexp.MustCompile("(?ms)^```console\n(.*?)^```$")
	for _, file := range []string{"../../README.md", "../../README.zh.md"} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		complete := false
		for _, block := range inBlock.FindAllStringSubmatch(string(b), -1) {
			complete = complete || slices.Equal(parseLines(t, block[1]), table)
			for _, line := range commandLine.FindAllStringSubmatch(block[1], -1) {
				_, rest, _ := strings.Cut(block[1], line[0])
				comment, _, _ := strings.Cut(rest, "\n")
				name, _, _ := strings.Cut(line[1], " ")
				for _, m := range flag.FindAllStringSubmatch(comment, -1) {
					if !slices.Contains(flags[name], m[1]) {
						t.Errorf("%s names the flag --%s of %s, which does not exist", file, m[1], name)
					}
				}
			}
		}
		if !complete {
			t.Errorf("%s has no block with exactly the commands %q", file, table)
		}
		for _, m := range flag.FindAllStringSubmatch(string(b), -1) {
			if !slices.Contains(all, m[1]) {
				t.Errorf("%s names the flag --%s, which no command has", file, m[1])
			}
		}
	}
}

func TestSuggestion(t *testing.T) {
	names := []string{"report", "doctor", "--env-file", "--lang", "--post"}
	for name, want := range map[string]string{
		"reprot": "report", "rport": "report", "reports": "report", "rep": "report", "docter": "doctor", "DOCTOR": "",
		"--env_file": "--env-file", "--language": "--lang", "--pots": "--post", "--past": "--post",
		"": "", "x": "", "--x": "", "serve": "", "--nothing": "", "-": "",
	} {
		if want != "" {
			want = " (did you mean " + want + "?)"
		}
		if got := suggestion(name, names); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func TestEdits(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "ab", 2}, {"ab", "", 2}, {"post", "post", 0}, {"pots", "post", 1}, {"pst", "post", 1}, {"poost", "post", 1},
		{"past", "post", 1}, {"fsih", "fish", 1}, {"kitten", "sitting", 3}, {"ca", "abc", 3},
	} {
		if got := edits(c.a, c.b); got != c.want {
			t.Errorf("%q, %q: got %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
