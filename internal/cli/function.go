package cli

import (
	"context"
	"encoding/json"
	"log/slog"
	"runtime/debug"
	"strconv"

	"github.com/aliyun/fc-runtime-go-sdk/fc"
)

// function serves Function Compute until the platform ends the process. With
// settings that stop the report it still runs, to post the errors, if there is a
// channel.
func (p Program) function() error {
	setMemoryLimit(p.Getenv)
	a := newApp(p.Getenv, credentials, nil)
	invalid := a.validate(false)
	if invalid != nil && len(a.channels) == 0 {
		return invalid
	}
	h := a.handler(slog.New(slog.NewJSONHandler(plainWriter{p.Stderr}, &slog.HandlerOptions{Level: a.settings.LogLevel})))
	if invalid != nil {
		h.Log.Error("invalid settings: no matrices are listed", "errors", a.errs.Error())
	}
	// StartHandler of SDK v0.3.1 does not accept a Handler, only functions. Of their
	// results it passes on only []byte and json.RawMessage unencoded.
	fc.Start(func(ctx context.Context, event []byte) (json.RawMessage, error) { return h.Invoke(ctx, event) })
	return nil
}

// memoryShare is the part of an instance's memory that the Go heap may have. The
// rest is for the binary, the platform and buffers.
const memoryShare = 0.35

// gcPercent lets the heap grow to five times of what is in use before a garbage
// collection, as long as that is within the limit.
const gcPercent = 400

// setMemoryLimit sets the soft memory limit of the Go runtime to a share of the
// instance's memory, unless GOMEMLIMIT is set.
func setMemoryLimit(getenv func(string) string) {
	if getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(gcPercent)
		debug.SetMemoryLimit(int64(float64(instanceMemory(getenv)) * memoryShare))
	}
}

// The memory of the smallest instance, and what is assumed outside of Function
// Compute.
const smallestInstance, otherMachine = 128 << 20, 1 << 30

// instanceMemory returns how much memory the program may use.
// https://www.alibabacloud.com/help/en/functioncompute/fc-3-0/user-guide/environment-variables
func instanceMemory(getenv func(string) string) int64 {
	mb, _ := strconv.Atoi(getenv("FC_FUNCTION_MEMORY_SIZE")) // 0 if it is not a number
	if mb <= 0 && getenv("FC_RUNTIME_API") == "" {
		return otherMachine
	}
	return max(int64(mb)<<20, smallestInstance)
}
