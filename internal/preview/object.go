package preview

import "encoding/json"

// An object is a JSON object of a service. Its methods return zero values for
// what it lacks.
type object map[string]any

func (o object) text(name string) string {
	s, _ := o[name].(string)
	return s
}

func (o object) object(name string) object {
	m, _ := o[name].(map[string]any)
	return m
}

func (o object) objects(name string) (all []object) {
	list, _ := o[name].([]any)
	for _, v := range list {
		if m, ok := v.(map[string]any); ok {
			all = append(all, m)
		}
	}
	return all
}

func parse(body []byte) object {
	var o object
	_ = json.Unmarshal(body, &o) // the emulated chat accepted it, so it is JSON
	return o
}

// text returns the text at path in body.
func text(body []byte, path ...string) string {
	o := parse(body)
	for _, name := range path[:len(path)-1] {
		o = o.object(name)
	}
	return o.text(path[len(path)-1])
}
