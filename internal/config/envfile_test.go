package config

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// testdata/serverless-devs.json has what Serverless Devs makes of each form of
// a value, null for an error; a test in deploy draws it from its parser. No
// form is accepted with another value.
func TestEnvFileReadsAsServerlessDevs(t *testing.T) {
	b, err := os.ReadFile("testdata/serverless-devs.json")
	if err != nil {
		t.Fatal(err)
	}
	var forms map[string]*string
	if err := json.Unmarshal(b, &forms); err != nil {
		t.Fatal(err)
	}
	accepted := 0
	for form, want := range forms {
		values, mistakes := readEnvFile(t, "V="+form+"\nNEXT=next\n")
		got, ok := values["V"]
		switch {
		case values["NEXT"] != "next":
			t.Errorf("%s: the next line gives %q", form, values["NEXT"])
		case ok && (want == nil || got != *want):
			t.Errorf("%s: got %q, Serverless Devs reads %v", form, got, want)
		case ok:
			accepted++
		case mistakes == nil || !strings.Contains(mistakes.Error(), ":1: V: "):
			t.Errorf("%s: got the mistakes %v, want one that names V", form, mistakes)
		}
	}
	if len(forms) < 70 || accepted < 30 {
		t.Errorf("%d of %d forms are accepted", accepted, len(forms))
	}
}

func TestEnvFile(t *testing.T) {
	values, mistakes := readEnvFile(t, "\ufeff# settings\r\n\r\n  EXPIRY_DAYS=14 # two weeks\r\nexport HTTP_TOKEN=\"a#b c\"\r\nREGIONS = cn-hangzhou, cn-shanghai\nTIME_ZONE=\nLAST='x y'")
	want := map[string]string{"EXPIRY_DAYS": "14", "HTTP_TOKEN": "a#b c", "REGIONS": "cn-hangzhou, cn-shanghai", "TIME_ZONE": "", "LAST": "x y"}
	if mistakes != nil || !maps.Equal(values, want) {
		t.Errorf("got %q and the mistakes %v, want %q", values, mistakes, want)
	}
}

func TestEnvFileMistakesRepeatNoValue(t *testing.T) {
	values, mistakes := readEnvFile(t, "A=p4ss$word\nB='p4ss\nC=p4ss#word\np4ss\n=p4ss\nD: p4ss\nE=\"p4ss\" word\nF=p4ss${word}\nG=fine\n")
	if len(values) != 1 || values["G"] != "fine" {
		t.Errorf("got %q, want G alone", values)
	}
	text := ""
	if mistakes != nil {
		text = mistakes.Error()
	}
	if strings.Contains(text, "p4ss") || strings.Count(text, "\n") != 7 {
		t.Errorf("got the mistakes\n%s\nwant eight lines without a value", text)
	}
	for _, want := range []string{":1: A: is read otherwise", ":2: B: ", ":3: C: ", ":4: is not of the form", ":8: F: is read otherwise"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in\n%s", want, text)
		}
	}
}

func TestEnvFileMissing(t *testing.T) {
	if _, _, err := ReadEnvFile(filepath.Join(t.TempDir(), "absent")); err == nil {
		t.Error("got no error")
	}
}

func readEnvFile(t *testing.T, text string) (values map[string]string, mistakes error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "settings.env")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	values, mistakes, err := ReadEnvFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return values, mistakes
}
