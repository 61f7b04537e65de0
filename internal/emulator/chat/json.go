package chat

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// object is a JSON object. Its methods check the types of its fields.
type object map[string]any

// parseObject parses exactly one JSON object in valid UTF-8.
func parseObject(body []byte) (object, error) {
	if !utf8.Valid(body) {
		return nil, errors.New("not valid UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var o object
	if err := dec.Decode(&o); err != nil {
		return nil, fmt.Errorf("not a JSON object: %w", err)
	}
	if o == nil {
		return nil, errors.New("not a JSON object: null")
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("unexpected data after the JSON object")
	}
	return o, nil
}

// str returns the named string, empty if it is absent or of another type.
func (o object) str(name string) string {
	s, _ := o[name].(string)
	return s
}

// obj returns the named object, nil if it is absent or of another type.
func (o object) obj(name string) object {
	m, _ := o[name].(map[string]any)
	return m
}

// objs returns the named array of objects. It is an error if it is absent.
func (o object) objs(name string) ([]object, error) {
	list, ok := o[name].([]any)
	if !ok {
		return nil, fmt.Errorf("%s must be an array", name)
	}
	var all []object
	for i, v := range list {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s[%d] must be an object", name, i)
		}
		all = append(all, m)
	}
	return all, nil
}

// strs returns the named array of strings, nil if it is absent.
func (o object) strs(name string) ([]string, error) {
	if _, ok := o[name]; !ok {
		return nil, nil
	}
	list, ok := o[name].([]any)
	if !ok {
		return nil, fmt.Errorf("%s must be an array", name)
	}
	var all []string
	for i, v := range list {
		s, ok := v.(string)
		if !ok {
			return nil, fmt.Errorf("%s[%d] must be a string", name, i)
		}
		all = append(all, s)
	}
	return all, nil
}

// number checks that the named field is absent or an integer from low to high.
func (o object) number(name string, low, high int64) error {
	if v, ok := o[name]; ok {
		n, _ := v.(json.Number)
		if i, err := n.Int64(); err != nil || i < low || i > high {
			return fmt.Errorf("%s must be an integer from %d to %d", name, low, high)
		}
	}
	return nil
}

// flag checks that the named field is absent or a bool.
func (o object) flag(name string) error {
	if v, ok := o[name]; ok {
		if _, ok := v.(bool); !ok {
			return fmt.Errorf("%s must be true or false", name)
		}
	}
	return nil
}

// only checks that the object has no other fields than those named.
func (o object) only(names ...string) error {
	known := map[string]bool{}
	for _, name := range names {
		known[name] = true
	}
	for name := range o {
		if !known[name] {
			return fmt.Errorf("%s has no field %q", o.str("type"), name)
		}
	}
	return nil
}

// jsonText encodes v as the body of a response.
func jsonText(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
