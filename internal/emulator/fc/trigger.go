package fc

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A Trigger is what CreateTrigger and UpdateTrigger take. TriggerConfig is JSON
// in a string.
type Trigger struct {
	TriggerName   string `json:"triggerName"`
	TriggerType   string `json:"triggerType"`
	Description   string `json:"description,omitempty"`
	Qualifier     string `json:"qualifier"`
	TriggerConfig string `json:"triggerConfig"`
}

// AsyncConfig is what PutAsyncInvokeConfig takes.
type AsyncConfig struct {
	MaxAsyncRetryAttempts     int             `json:"maxAsyncRetryAttempts"`
	MaxAsyncEventAgeInSeconds int             `json:"maxAsyncEventAgeInSeconds"`
	DestinationConfig         json.RawMessage `json:"destinationConfig,omitempty"`
}

// check returns why the platform refuses t.
func (t Trigger) check() *refusal {
	bad := func(what string) *refusal {
		return refuse(http.StatusBadRequest, "InvalidArgument", "trigger %s: %s", t.TriggerName, what)
	}
	var config struct {
		CronExpression string   `json:"cronExpression"`
		Enable         *bool    `json:"enable"`
		Payload        string   `json:"payload"`
		AuthType       string   `json:"authType"`
		Methods        []string `json:"methods"`
	}
	switch err := json.Unmarshal([]byte(t.TriggerConfig), &config); {
	case !functionName.MatchString(t.TriggerName):
		return bad("triggerName is not a name")
	case err != nil:
		return bad("triggerConfig is not JSON in a string: " + err.Error())
	case t.TriggerType == "timer" && config.Enable == nil:
		return bad("enable is mandatory")
	case t.TriggerType == "timer":
		return checkCron(config.CronExpression, bad)
	case t.TriggerType != "http":
		return bad("triggerType is timer or http, the only ones emulated")
	case !slices.Contains([]string{"anonymous", "function", "jwt"}, config.AuthType):
		return bad("authType is anonymous, function or jwt")
	case len(config.Methods) == 0:
		return bad("methods are mandatory")
	}
	for _, m := range config.Methods {
		if !slices.Contains([]string{"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}, m) {
			return bad("methods has " + m)
		}
	}
	return nil
}

// checkCron checks that an expression is @every or has six fields, after a zone
// that exists.
func checkCron(expression string, bad func(string) *refusal) *refusal {
	if every, ok := strings.CutPrefix(expression, "@every "); ok {
		if d, err := time.ParseDuration(every); err != nil || d < time.Minute {
			return bad("cronExpression is not an interval of at least a minute")
		}
		return nil
	}
	if rest, ok := strings.CutPrefix(expression, "CRON_TZ="); ok {
		zone, fields, _ := strings.Cut(rest, " ")
		if _, err := time.LoadLocation(zone); err != nil {
			return bad("cronExpression names no zone: " + err.Error())
		}
		expression = fields
	}
	if len(strings.Fields(expression)) != 6 {
		return bad("cronExpression has not six fields: " + expression)
	}
	return nil
}

func (s *Server) createTrigger(r *http.Request) (any, *refusal) {
	f, refused := s.function(r)
	if refused != nil {
		return nil, refused
	}
	var t Trigger
	if refused := decode(r, &t); refused != nil {
		return nil, refused
	}
	if _, ok := f.Triggers[t.TriggerName]; ok {
		return nil, refuse(http.StatusConflict, "TriggerAlreadyExists", "the trigger %s exists", t.TriggerName)
	}
	return f.put(t)
}

// put checks a trigger and keeps it.
func (f *Function) put(t Trigger) (any, *refusal) {
	if refused := t.check(); refused != nil {
		return nil, refused
	}
	f.Triggers[t.TriggerName] = t
	return t, nil
}

// trigger returns the trigger that the path names.
func (s *Server) trigger(r *http.Request) (*Function, Trigger, *refusal) {
	f, refused := s.function(r)
	if refused != nil {
		return nil, Trigger{}, refused
	}
	t, ok := f.Triggers[r.PathValue("trigger")]
	if !ok {
		return nil, t, refuse(http.StatusNotFound, "TriggerNotFound", "the trigger %s does not exist", r.PathValue("trigger"))
	}
	return f, t, nil
}

func (s *Server) getTrigger(r *http.Request) (any, *refusal) {
	_, t, refused := s.trigger(r)
	return t, refused
}

func (s *Server) updateTrigger(r *http.Request) (any, *refusal) {
	f, t, refused := s.trigger(r)
	if refused != nil {
		return nil, refused
	}
	if refused := decode(r, &t); refused != nil {
		return nil, refused
	}
	return f.put(t)
}

func (s *Server) getAsync(r *http.Request) (any, *refusal) {
	f, refused := s.function(r)
	if refused != nil {
		return nil, refused
	}
	if f.Async == nil {
		return nil, refuse(http.StatusNotFound, "AsyncConfigNotExists", "the function has no asynchronous configuration")
	}
	return f.Async, nil
}

func (s *Server) putAsync(r *http.Request) (any, *refusal) {
	f, refused := s.function(r)
	if refused != nil {
		return nil, refused
	}
	var c AsyncConfig
	if refused := decode(r, &c); refused != nil {
		return nil, refused
	}
	if c.MaxAsyncRetryAttempts < 0 || c.MaxAsyncRetryAttempts > 8 || c.MaxAsyncEventAgeInSeconds < 1 || c.MaxAsyncEventAgeInSeconds > 604800 || r.URL.Query().Get("qualifier") != "LATEST" {
		return nil, refuse(http.StatusBadRequest, "InvalidArgument", "maxAsyncRetryAttempts is 0 to 8, maxAsyncEventAgeInSeconds 1 to 604800, the qualifier LATEST")
	}
	f.Async = &c
	return c, nil
}
