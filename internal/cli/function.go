package cli

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"runtime/debug"
	"strconv"

	"github.com/aliyun/fc-runtime-go-sdk/fc"
)

// memoryShare is how much of an instance's memory the garbage collector lets
// the program have before it works harder: the rest is for the program itself,
// the platform and what is read at the time.
const memoryShare = 0.25

// boundMemory tells the garbage collector how large the instance is, unless
// GOMEMLIMIT has.
// https://www.alibabacloud.com/help/en/functioncompute/fc-3-0/user-guide/environment-variables
func boundMemory(getenv func(string) string) {
	mb, err := strconv.Atoi(getenv("FC_FUNCTION_MEMORY_SIZE"))
	if err != nil || mb < 128 {
		mb = 128 // the smallest there is
	}
	if getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(int64(float64(mb<<20) * memoryShare))
	}
}

// function serves Function Compute until the process is ended.
func (p Program) function() error {
	boundMemory(p.Getenv)
	parts := load(p.Getenv, credentials, nil)
	err := parts.check(false)
	wrong, ok := errors.AsType[wrongSettings](err)
	if ok && len(parts.channels) == 0 {
		return err
	}
	h := parts.handler(func(level slog.Level) *slog.Logger {
		return slog.New(slog.NewJSONHandler(p.Stderr, &slog.HandlerOptions{Level: level}))
	})
	if ok {
		h.Log.Error("nothing is listed until the settings are mended", "mistakes", wrong.mistakes.Error())
		h.Source = wrong
	}
	// Start, because StartHandler of SDK v0.3.1 takes no handler but a function;
	// []byte and RawMessage, because those alone pass through as they are.
	fc.Start(func(ctx context.Context, event []byte) (json.RawMessage, error) { return h.Invoke(ctx, event) }) // never returns
	return nil
}
