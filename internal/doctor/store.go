package doctor

import (
	"context"
	"errors"
	"time"

	"matrix-expiry-report/internal/state"
)

// storeTimeout is more than a run gives to the store.
const storeTimeout = 15 * time.Second

// store checks the state store, if there is one: it writes an object, and checks
// that the store lists and returns it, refuses to overwrite it, and deletes it.
func (c Checker) store(ctx context.Context) []Check {
	const name = "state store"
	if c.Store == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	objects, err := c.Store(ctx)
	if err == nil {
		err = state.Probe(ctx, objects)
	}
	if err != nil {
		return check(name, Fail, err.Error(), c.storeAdvice(err))
	}
	session := state.Open(objects)
	newest := session.Latest(ctx)
	for _, p := range session.Problems() {
		return check(name, Warn, p.Message, "if it persists, move the objects of STATE_URL elsewhere: the next run then starts without a memory")
	}
	if newest == nil {
		return check(name, OK, "can be used; remembers no run yet", "")
	}
	return check(name, OK, "can be used; last written on "+newest.Written.In(c.Settings.Location).Format("Mon 2 Jan 15:04"), "")
}

func (c Checker) storeAdvice(err error) string {
	const untilThen = "; until then reports are sent as without a store, perhaps more than once"
	refused, _ := errors.AsType[*state.OSSError](err)
	switch {
	case errors.Is(err, state.ErrOverwrites):
		return "create another bucket, as versioning cannot be turned off; until then unset STATE_URL, as runs could overwrite each other's records"
	case errors.Is(err, state.ErrNoHardLinks):
		return "change STATE_URL" + untilThen
	case c.Settings.Store.Folder != "":
		return "make STATE_URL a folder that the program may write to" + untilThen
	case refused == nil:
		return "check STATE_URL and OSS_ENDPOINT, and that the bucket lies in the function's region" + untilThen
	case refused.Code == "NoSuchBucket":
		return "create the bucket of STATE_URL (see README)" + untilThen
	case refused.Status == 403:
		return "allow the role the four operations on STATE_URL (deploy/ram/function.json)" + untilThen
	}
	return "see the error codes of OSS" + untilThen
}
