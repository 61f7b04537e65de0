package cloudphone

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"github.com/go-faster/jx"
)

// The types of the API's fields vary: numbers come as strings and strings as
// numbers. One odd field must not cost a page, so that a field of the wrong type
// is decoded as absent.

// maxTextBytes is where a text of the service is cut.
const maxTextBytes = 1 << 10

// list decodes an array row by row, and reports whether there is one; null is
// none.
func list(in *jx.Decoder, row func(*jx.Decoder) error) (ok bool, err error) {
	if in.Next() == jx.Null {
		return false, in.Null()
	}
	n := 0
	return true, in.Arr(func(in *jx.Decoder) error {
		if n++; n > maxPageRows {
			return tooLarge("the response has more than %d rows", maxPageRows)
		}
		return row(in)
	})
}

// object decodes an object field by field; null has no fields.
func object(in *jx.Decoder, field func(in *jx.Decoder, name []byte) error) error {
	if in.Next() == jx.Null {
		return in.Null()
	}
	return in.ObjBytes(field)
}

// value returns the next value as JSON. It is valid until the next response.
func value(in *jx.Decoder) (jx.Raw, error) {
	v, err := in.Raw()
	for len(v) > 0 && v[0] <= ' ' { // jx includes leading space
		v = v[1:]
	}
	return v, err
}

// text returns the text of a JSON value, cut at n bytes but not within a
// character. An object, an array and null have none.
func text(v jx.Raw, n int) string {
	if len(v) == 0 {
		return ""
	}
	switch v[0] {
	case '{', '[', 'n':
		return ""
	case '"':
		if bytes.IndexByte(v, '\\') >= 0 || !utf8.Valid(v) {
			var s string
			_ = json.Unmarshal(v, &s) // replaces invalid UTF-8
			v = jx.Raw(`"` + s + `"`)
		}
		v = v[1 : len(v)-1]
	}
	if len(v) > n {
		for n > 0 && !utf8.RuneStart(v[n]) {
			n--
		}
		v = v[:n]
	}
	return string(v)
}

// number returns the integer that a JSON value is, or absent.
func number(v jx.Raw, absent int) int {
	f, err := strconv.ParseFloat(text(v, maxTextBytes), 64)
	if err == nil && f >= -1<<31 && f <= 1<<31 {
		return int(f)
	}
	return absent
}
