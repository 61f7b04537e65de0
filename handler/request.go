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

// A request is the JSON object of a timer's payload, a plain event or the body
// of POST /notify.
type request struct {
	config.Overrides
	Post   *bool `json:"post"`   // false builds the report without delivering it
	Doctor bool  `json:"doctor"` // check the setup instead; with post, send a test message
}

const requestHelp = `JSON such as {"days":7,"regions":["cn-hangzhou"],"channels":["slack"],"language":"en","notify_on":"findings","post":false}, with every field optional`

// parseRequest parses a request. Empty input is an empty request.
func parseRequest(b []byte) (request, error) {
	var req request
	if b = bytes.TrimSpace(b); len(b) == 0 {
		return req, nil
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	err := dec.Decode(&req)
	if err == nil {
		if _, end := dec.Token(); end != io.EOF {
			err = errors.New("unexpected data after the JSON object")
		}
	}
	if err != nil {
		return request{}, fmt.Errorf("%s; expected %s", strings.TrimPrefix(err.Error(), "json: "), requestHelp)
	}
	return req, nil
}

// newRun returns the run of the settings as the request overrides them. Its
// error joins everything that is wrong with the request.
func (h *Handler) newRun(req request) (runRequest, error) {
	settings, err := h.Settings.With(req.Overrides)
	if req.Doctor {
		err = errors.Join(err, errors.New("doctor: only valid as an event of its own"))
	}
	run := runRequest{settings: settings, channels: h.Channels, notify: req.Post == nil || *req.Post}
	if len(req.Channels) > 0 {
		run.channels = nil
		var names []string
		for _, c := range h.Channels {
			names = append(names, c.Name())
			if slices.Contains(req.Channels, c.Name()) {
				run.channels = append(run.channels, c)
			}
		}
		for _, name := range req.Channels {
			if !slices.Contains(names, name) {
				err = errors.Join(err, fmt.Errorf("channels: %q is not a configured channel; configured: %s", name, strings.Join(names, ", ")))
			}
		}
	}
	return run, err
}

// oneLine returns the text of an error, joined errors in one line.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }
