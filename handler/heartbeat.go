package handler

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"
)

// heartbeatTimeout bounds a request to the heartbeat URL.
const heartbeatTimeout = 5 * time.Second

// pingHeartbeat requests the URL of a monitor that raises an alarm if a run is
// missing. An error is only logged: the monitor raises its alarm then.
func (h *Handler) pingHeartbeat(ctx context.Context, log *slog.Logger, to *url.URL) {
	if to == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, heartbeatTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, to.String(), nil)
	if err != nil {
		return // cannot happen: the settings have parsed the URL
	}
	req.Close = true // the instance is frozen between runs, which breaks idle connections
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err // without the URL, which is a secret
		}
		log.Warn("heartbeat", "host", to.Hostname(), "error", err.Error())
		return
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 4<<10))
	if res.StatusCode >= 300 {
		log.Warn("heartbeat", "host", to.Hostname(), "status", res.StatusCode)
	}
}
