// Package handler is what Function Compute calls: it tells the events apart,
// runs a report and tells people.
//
// Read handler.go (an event in, an answer out), run.go (one report), web.go
// (the HTTP trigger) and event.go (from HTTP events to net/http and back). A
// new route is a line in the table of routes in web.go.
package handler

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"github.com/aliyun/fc-runtime-go-sdk/fccontext"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// A Source lists the matrices of the regions, or of all where none are given.
// Those whose fate is not to be kept are only counted; nil keeps all. fate may be
// called by several goroutines at a time.
type Source interface {
	List(ctx context.Context, regions []string, fate func(*report.Matrix) report.Fate) report.Listing
}

// A Channel is one place that a report is sent to. The key names the run, so
// that a repeated one need not be shown twice.
type Channel interface {
	Name() string
	Send(ctx context.Context, r report.Report, o message.Options, key string) error
}

// A Handler answers every event. Set its fields before use.
type Handler struct {
	Settings config.Settings
	Source   Source
	Channels []Channel
	Commands []Command
	// Doctor examines what runs are made of, and answers in JSON; nil for none.
	Doctor func(ctx context.Context, post bool) ([]byte, error)
	Log    *slog.Logger
	Now    func() time.Time

	listings listings
}

// Invoke answers one event of Function Compute, told apart by its shape. An
// error means that nothing reached anybody and another try makes sense.
func (h *Handler) Invoke(ctx context.Context, event []byte) (answer []byte, err error) {
	log := h.logger(ctx)
	defer func() {
		if p := recover(); p != nil {
			log.Error("panic", "cause", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	var shape struct {
		Version        *string
		RequestContext *struct {
			HTTP *json.RawMessage `json:"http"`
		}
		TriggerName *string
		TriggerTime *string
		Payload     string
	}
	_ = json.Unmarshal(event, &shape) // what is no object at all is a plain event, and refused as one
	switch {
	case shape.RequestContext != nil && shape.RequestContext.HTTP != nil:
		return h.serveEvent(ctx, event)
	case shape.TriggerName != nil && shape.TriggerTime != nil:
		return h.timer(ctx, log, *shape.TriggerName, *shape.TriggerTime, shape.Payload)
	}
	return h.plain(ctx, log, event)
}

// timer runs and posts, whatever its payload is: what cannot be read is told
// in the report, which follows the settings then.
func (h *Handler) timer(ctx context.Context, log *slog.Logger, name, at, payload string) ([]byte, error) {
	j := job{settings: h.Settings, channels: h.Channels, post: true, key: name + " " + at}
	if ask, err := readAsk([]byte(payload)); err != nil {
		j.notes = append(j.notes, unreadable(err))
	} else if changed, err := h.with(ask); err != nil {
		j.notes = append(j.notes, unreadable(err))
	} else {
		j.settings, j.channels, j.post = changed.settings, changed.channels, ask.Post == nil || *ask.Post
	}
	return h.runAndAnswer(ctx, log.With("trigger", "timer", "timer", name), j)
}

// unreadable says first what is wrong, and then what would be right.
func unreadable(err error) report.Problem {
	why := oneLine(err)
	if reason, ok := strings.CutPrefix(why, askForm+" ("); ok {
		why = strings.TrimSuffix(reason, ")") + "; it takes " + askForm
	}
	return report.Problem{Code: "UnreadablePayload", Message: "the timer's payload was not followed: " + why}
}

// plain runs what somebody asked for by hand. An event that makes no sense is
// answered with what would make sense, and is no failure: to try it again
// would not help.
func (h *Handler) plain(ctx context.Context, log *slog.Logger, event []byte) ([]byte, error) {
	ask, err := readAsk(event)
	if err != nil {
		return errorJSON("InvalidEvent", "not an event of a timer or an HTTP trigger, nor "+oneLine(err)), nil
	}
	if ask.Doctor && h.Doctor != nil {
		return h.Doctor(ctx, ask.Post != nil && *ask.Post)
	}
	j, err := h.with(ask)
	if err != nil {
		return errorJSON("InvalidEvent", oneLine(err)), nil
	}
	j.post, j.key = ask.Post == nil || *ask.Post, requestID(ctx)
	return h.runAndAnswer(ctx, log.With("trigger", "event"), j)
}

func (h *Handler) runAndAnswer(ctx context.Context, log *slog.Logger, j job) ([]byte, error) {
	r, err := h.run(ctx, log, j)
	if err != nil {
		return nil, err
	}
	return r.Brief()
}

// logger is for one event: every line says of which.
func (h *Handler) logger(ctx context.Context) *slog.Logger {
	fc, ok := fccontext.FromContext(ctx)
	if !ok {
		return h.Log
	}
	return h.Log.With("request_id", fc.RequestID, "account", fc.AccountId, "region", fc.Region)
}

func requestID(ctx context.Context) string {
	if fc, ok := fccontext.FromContext(ctx); ok {
		return fc.RequestID
	}
	return ""
}
