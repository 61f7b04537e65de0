package cloudphone

import (
	"bytes"
	"encoding/json"
	"fmt"
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
	switch kind := in.Next(); kind {
	case jx.Null:
		return false, in.Null()
	case jx.Array:
	default:
		return false, fmt.Errorf("the rows are not an array but %s", kind)
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

// value returns the next value as JSON. It is valid until the body is read again.
func value(in *jx.Decoder) (jx.Raw, error) {
	raw, err := in.Raw()
	if len(raw) > 0 && raw[0] <= ' ' { // jx includes leading space
		raw = bytes.TrimLeft(raw, " \n\t\r")
	}
	return raw, err
}

// text decodes a text, and cuts it at maxTextBytes.
func text(in *jx.Decoder) (string, error) {
	raw, err := value(in)
	return string(appendCut(nil, raw, maxTextBytes)), err
}

// appendCut appends at most n bytes of the text of a JSON value, and no part of a
// character.
func appendCut(to []byte, raw jx.Raw, n int) []byte {
	start := len(to)
	to = appendText(to, raw)
	end := start + n
	if len(to) <= end {
		return to
	}
	for end > start && !utf8.RuneStart(to[end]) {
		end--
	}
	return to[:end]
}

// appendText appends the text of a JSON value. An object, an array and null have
// none.
func appendText(to []byte, raw jx.Raw) []byte {
	if len(raw) == 0 {
		return to
	}
	switch raw[0] {
	case '{', '[', 'n':
		return to
	case '"':
		for _, c := range raw {
			if c == '\\' || c >= 0x80 {
				var s string
				_ = json.Unmarshal(raw, &s) // replaces invalid UTF-8
				return append(to, s...)
			}
		}
		raw = raw[1 : len(raw)-1]
	}
	return append(to, raw...)
}

// number decodes an integer. It returns absent if the value is none.
func number(in *jx.Decoder, absent int) (int, error) {
	raw, err := value(in)
	if n, err := strconv.Atoi(string(raw)); err == nil && n <= 1<<31 && n >= -1<<31 {
		return n, nil
	}
	f, notNumber := strconv.ParseFloat(string(appendText(nil, raw)), 64)
	if notNumber != nil || f != f || f > 1<<31 || f < -1<<31 {
		return absent, err
	}
	return int(f), err
}
