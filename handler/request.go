package handler

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"matrix-expiry-report/internal/config"
)

// An ask is what the JSON of an event may hold.
type ask struct {
	config.Overrides
	Post   *bool `json:"post"`   // false looks without posting
	Doctor bool  `json:"doctor"` // look at what a run needs instead; posts a test message with post
}

const askForm = `JSON such as {"days":7,"regions":["cn-hangzhou"],"channels":["slack"],"language":"zh","notify_on":"findings","post":false}, all of it optional`

// readAsk reads an ask; nothing at all asks for nothing.
func readAsk(b []byte) (ask, error) {
	var a ask
	if b = bytes.TrimSpace(b); len(b) == 0 {
		return a, nil
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	err := dec.Decode(&a)
	if err == nil {
		if _, end := dec.Token(); end != io.EOF {
			err = errors.New("something follows it")
		}
	}
	if err != nil {
		return ask{}, fmt.Errorf("%s (%s)", askForm, strings.TrimPrefix(err.Error(), "json: "))
	}
	return a, nil
}

// with is the job that an ask makes of the settings.
func (h *Handler) with(a ask) (job, error) {
	s, err := h.Settings.With(a.Overrides)
	if a.Doctor {
		err = errors.Join(err, errors.New("doctor: only an event by itself may ask for it"))
	}
	j := job{settings: s, channels: h.Channels}
	if len(a.Channels) > 0 {
		j.channels = nil
		var names []string
		for _, c := range h.Channels {
			names = append(names, c.Name())
			if slices.Contains(a.Channels, c.Name()) {
				j.channels = append(j.channels, c)
			}
		}
		for _, name := range a.Channels {
			if !slices.Contains(names, name) {
				err = errors.Join(err, fmt.Errorf("channels: %q is not one of those set up: %s", name, strings.Join(names, ", ")))
			}
		}
	}
	return j, err
}

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }
