// Package handler is what Function Compute calls: it dispatches events, runs a
// report, delivers it to the channels and serves HTTP.
//
// An event enters through [Handler.Invoke] (handler.go). A timer or a plain
// event becomes a run (run.go), whose report is delivered (notify.go). An event
// of the HTTP trigger becomes a request (event.go) to [Handler.ServeHTTP]
// (http.go), which the command serve uses too. Routes, query parameters and
// formats are the tables routes, parameters and formats: to add one, add a row.
package handler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/aliyun/fc-runtime-go-sdk/fccontext"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/internal/state"
	"matrix-expiry-report/report"
)

// A Source lists matrices.
type Source interface {
	// List returns the matrices of the regions, or of all regions if there are
	// none. Failures are problems in the Listing. It must be safe for concurrent
	// use.
	List(ctx context.Context, regions []string) report.Listing
}

// A Channel is one place that reports are delivered to.
type Channel interface {
	Name() string
	// Send delivers r. The key identifies the run, so that a channel can recognise
	// a repeated delivery. An error with a method Uncertain() bool that returns
	// true means that the message may have been delivered.
	Send(ctx context.Context, r report.Report, o message.Options, key string) error
}

// A Handler handles events and HTTP requests. Settings, Source, Log and Now are
// required. Set the fields before use; then it is safe for concurrent use.
type Handler struct {
	Settings config.Settings
	Source   Source
	Channels []Channel
	Commands []Command
	Doctor   func(ctx context.Context, post bool) ([]byte, error) // checks the setup and returns JSON; post sends a test message too; may be nil
	Store    func(context.Context) (state.Objects, error)         // opens the store of runs, with the credentials of a run; nil without one
	Log      *slog.Logger
	Now      func() time.Time

	cache      cache
	router     *router
	routerOnce sync.Once
}

// Invoke handles one event of Function Compute, whose kind it recognises by its
// fields, and returns the response. The response to a malformed or unknown event is
// JSON with the reason. An error means that the platform should retry: the report
// was to be delivered and cannot have reached any channel, another run may be
// delivering it, or the program panicked.
func (h *Handler) Invoke(ctx context.Context, event []byte) (response []byte, err error) {
	log := h.logger(ctx)
	defer func() {
		if p := recover(); p != nil {
			log.Error("panic", "cause", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	var fields struct {
		RequestContext *struct {
			HTTP *json.RawMessage `json:"http"`
		}
		TriggerName *string
		TriggerTime *string
		Payload     json.RawMessage
	}
	_ = json.Unmarshal(event, &fields) // if it fails, the event is a plain one, which refuses it
	switch {
	case fields.RequestContext != nil && fields.RequestContext.HTTP != nil:
		return h.httpEvent(ctx, event)
	case fields.TriggerName != nil && fields.TriggerTime != nil:
		return h.timer(ctx, log, *fields.TriggerName, *fields.TriggerTime, payloadText(fields.Payload))
	}
	return h.plain(ctx, log, event)
}

// payloadText returns the text of a timer's payload, which is JSON in a string or
// an object itself.
func payloadText(payload json.RawMessage) []byte {
	var text string
	if json.Unmarshal(payload, &text) != nil {
		return payload
	}
	return []byte(text)
}

// timer runs a report and delivers it. A payload that cannot be used is
// reported as a problem, and the run follows the settings.
func (h *Handler) timer(ctx context.Context, log *slog.Logger, name, at string, payload []byte) ([]byte, error) {
	req, err := parseRequest(payload)
	run, invalid := h.newRun(req)
	if err = errors.Join(err, invalid); err != nil {
		run = runRequest{settings: h.Settings, channels: h.Channels, notify: true}
		run.problems = []report.Problem{{Code: "UnreadablePayload", Message: "timer payload ignored: " + oneLine(err)}}
	}
	run.key = name + " " + at
	return h.runEvent(ctx, log.With("trigger", "timer", "timer", name), run)
}

// plain runs the request of an event that is of neither trigger. An invalid request
// gets a response with the reason and no error: a retry would not help.
func (h *Handler) plain(ctx context.Context, log *slog.Logger, event []byte) ([]byte, error) {
	req, err := parseRequest(event)
	if err != nil {
		log.Warn("event not understood", "fields", eventFields(event))
		return errorJSON("InvalidEvent", "not an event of a timer or an HTTP trigger: "+oneLine(err)), nil
	}
	if req.Doctor && h.Doctor != nil {
		return h.Doctor(ctx, req.Post != nil && *req.Post)
	}
	run, err := h.newRun(req)
	if err != nil {
		return errorJSON("InvalidEvent", oneLine(err)), nil
	}
	run.key = requestID(ctx)
	return h.runEvent(ctx, log.With("trigger", "event"), run)
}

// eventFields returns the names of the fields of an event, without their values,
// which may be secrets. An event that is not a JSON object has none.
func eventFields(event []byte) []string {
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(event, &fields) // if it fails, there are no names
	names := []string{}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		names = append(names, message.Clean(name[:min(len(name), 50)]))
	}
	return names[:min(len(names), 30)]
}

// runEvent runs a report and returns its JSON without the findings.
func (h *Handler) runEvent(ctx context.Context, log *slog.Logger, run runRequest) ([]byte, error) {
	r, err := h.run(ctx, log, run)
	if err != nil {
		return nil, err
	}
	return r.Brief()
}

// logger returns a logger whose lines name the event.
func (h *Handler) logger(ctx context.Context) *slog.Logger {
	if fc, ok := fccontext.FromContext(ctx); ok {
		return h.Log.With("request_id", fc.RequestID, "account", fc.AccountId, "region", fc.Region)
	}
	return h.Log
}

// requestID returns the platform's id of the event, or "" outside an event.
func requestID(ctx context.Context) string {
	if fc, ok := fccontext.FromContext(ctx); ok {
		return fc.RequestID
	}
	return ""
}
