package cloudphone

import (
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"matrix-expiry-report/internal/config"
)

// Both have characters that are escaped in a URL.
const testSecret, testToken = "rS9kPq7v/Xw3mZc5+bNt1y", "CAISxgN1q6Ft5B2yfSjIr5fTHuJVgqwJ=="

func TestRedactedErrorsContainNoSecret(t *testing.T) {
	c := Credentials{AccessKeySecret: testSecret, SecurityToken: testToken}
	for _, secret := range []string{testSecret, testToken} {
		for name, form := range map[string]string{
			"exact": secret, "query": url.QueryEscape(secret), "path": url.PathEscape(secret), "hex": hex.EncodeToString([]byte(secret)),
			"upper": strings.ToUpper(secret), "lower": strings.ToLower(secret), "upper hex": strings.ToUpper(hex.EncodeToString([]byte(secret))),
			"start": secret[:8], "end": secret[len(secret)-8:], "middle": secret[5:14],
		} {
			text := "before " + form + " after"
			for kind, err := range map[string]*Error{
				"response":   {Code: text, Message: text, RequestID: text, AuthAction: text},
				"connection": connectionError("", fmt.Errorf("malformed HTTP status code %q", text)),
			} {
				c.redactError(err)
				got := fmt.Sprintf("%v %+v %#v %s", err, err, *err, err.AuthAction)
				for i := range len(form) - 7 {
					if part := form[i : i+8]; strings.Contains(got, part) {
						t.Errorf("%s, %s: %q is in %s", name, kind, part, got)
						break
					}
				}
				if !strings.Contains(got, "before REDACTED after") {
					t.Errorf("%s, %s: got %s, want the rest of the text", name, kind, got)
				}
			}
		}
	}
}

func TestRedactKeepsOtherTexts(t *testing.T) {
	for _, c := range []Credentials{{AccessKeySecret: testSecret, SecurityToken: testToken}, {}, {SecurityToken: "s"}} {
		for _, text := range []string{"", "rS9kPq7", "User not authorized.", "日本 \xff"} {
			if got := c.redact(text); got != text {
				t.Errorf("got %q, want %q", got, text)
			}
		}
	}
	if got := (Credentials{AccessKeySecret: "sEcret"}).redact("a Secret, secrets"); got != "a REDACTED, REDACTEDs" {
		t.Errorf("got %q, want the short secret redacted", got)
	}
}

func FuzzRedact(f *testing.F) {
	f.Add(testSecret, "a "+testSecret+" b")
	f.Add("日本語日本語", "x日本語日本語y")
	f.Fuzz(func(t *testing.T, secret, text string) {
		got := Credentials{AccessKeySecret: config.Secret(secret)}.redact(text)
		for i := range len(secret) - 7 {
			if part := secret[i : i+8]; strings.Contains(lower(strings.ReplaceAll(got, redaction, "\x00")), lower(part)) {
				t.Errorf("%q of %q is in %q, which was %q", part, secret, got, text)
			}
		}
	})
}
