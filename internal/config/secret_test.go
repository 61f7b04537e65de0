package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestSecretIsRedacted(t *testing.T) {
	const hidden = "s3cr3t"
	s := Secret(hidden)
	holder := struct {
		Token   Secret
		Pointer *Secret
		List    []Secret
		Map     map[string]Secret
	}{s, &s, []Secret{s}, map[string]Secret{"name": s}}
	var shown []string
	for _, v := range []any{s, &s, holder, &holder, []Secret{s}, fmt.Errorf("with %v", s)} {
		for _, form := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10.3s"} {
			shown = append(shown, fmt.Sprintf(form, v))
		}
		shown = append(shown, fmt.Sprint(v), fmt.Sprintln(v))
		b, err := json.Marshal(v)
		if err != nil {
			t.Errorf("%T: %v", v, err)
		}
		shown = append(shown, string(b))
		var text, asJSON bytes.Buffer
		slog.New(slog.NewTextHandler(&text, nil)).Info("m", "key", v)
		slog.New(slog.NewJSONHandler(&asJSON, nil)).Info("m", "key", v)
		shown = append(shown, text.String(), asJSON.String())
	}
	for _, x := range shown {
		if strings.Contains(x, hidden) || strings.Contains(strings.ToLower(x), fmt.Sprintf("%x", hidden)) {
			t.Errorf("the secret is shown in %s", x)
		}
	}
	if got := fmt.Sprintf("%v %s %#v %q", s, s, s, s); got != `REDACTED REDACTED "REDACTED" "REDACTED"` {
		t.Errorf("got %s, want REDACTED four times", got)
	}
	if got := s.Reveal(); got != hidden {
		t.Errorf("got %q revealed, want the secret", got)
	}
	if got := Secret("").String(); got != "" {
		t.Errorf("got %q for no secret, want nothing, so that its absence shows", got)
	}
}
