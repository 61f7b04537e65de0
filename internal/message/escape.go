package message

import (
	"fmt"
	"reflect"
	"strings"
)

// escapers are the functions with which html/template makes a value inert for
// the place where it stands. Which one belongs where it has found for
// page.html, and written into page.escaped.html; a test does it again, and holds
// these to what its own do. (html/template itself stays out of the program: its
// executor makes the linker keep every method of every type, 2.6 MB.)
func escapers() map[string]function {
	return map[string]function{
		"htmlescaper":   escapeHTML,
		"attrescaper":   escapeHTML,
		"rcdataescaper": escapeHTML,
		"urlfilter": func(a []any) (any, error) {
			if s := printed(a[0]); safeURL(s) {
				return s, nil
			}
			return "#ZgotmplZ", nil
		},
		"urlnormalizer": func(a []any) (any, error) { return normalURL(printed(a[0])), nil },
		// The style and the script of the page, which are its own.
		"cssvaluefilter": func(a []any) (any, error) { return a[0].(ownCode), nil },
		"jsvalescaper":   func(a []any) (any, error) { return a[0].(ownCode), nil },
	}
}

// ownCode is what nobody outside has a part in.
type ownCode string

var htmlReplacer = strings.NewReplacer("\x00", "\uFFFD", `"`, "&#34;", "&", "&amp;", "'", "&#39;", "+", "&#43;", "<", "&lt;", ">", "&gt;")

func escapeHTML(a []any) (any, error) {
	s, ok := a[0].(string)
	if ok && !strings.ContainsAny(s, "\x00\"&'+<>") {
		return a[0], nil // as most are
	}
	return htmlReplacer.Replace(printed(a[0])), nil
}

func printed(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	if r := reflect.ValueOf(v); r.Kind() == reflect.String {
		return r.String()
	}
	return fmt.Sprint(v)
}

// safeURL tells whether an address is relative, or of a scheme that does
// nothing but lead somewhere.
func safeURL(s string) bool {
	scheme, _, ok := strings.Cut(s, ":")
	return !ok || strings.Contains(scheme, "/") ||
		strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https") || strings.EqualFold(scheme, "mailto")
}

// normalURL encodes what may not stand in an address.
func normalURL(s string) string {
	const reserved, unreserved = "!#$&*+,/:;=?@[]", "-._~"
	hex := func(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F' }
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', strings.IndexByte(reserved+unreserved, c) >= 0,
			c == '%' && i+2 < len(s) && hex(s[i+1]) && hex(s[i+2]):
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	return b.String()
}
