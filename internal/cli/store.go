package cli

import (
	"context"

	"github.com/aliyun/fc-runtime-go-sdk/fccontext"

	"matrix-expiry-report/internal/cloudphone"
	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/state"
)

// newStore returns the function that opens the store of runs, or nil without
// one. Each run calls it, as its credentials are those of the run.
func newStore(s config.Store, credentials func(context.Context) (cloudphone.Credentials, error)) func(context.Context) (state.Objects, error) {
	switch {
	case s.Folder != "":
		return func(context.Context) (state.Objects, error) { return state.Folder(s.Folder), nil }
	case s.Bucket == "":
		return nil
	}
	bucket := state.NewOSS(s)
	return func(ctx context.Context) (state.Objects, error) {
		c, err := credentials(ctx)
		if err != nil {
			return nil, err
		}
		region := ""
		if f, ok := fccontext.FromContext(ctx); ok {
			region = f.Region
		}
		return bucket.Objects(region, state.Credentials{AccessKeyID: c.AccessKeyID, AccessKeySecret: c.AccessKeySecret, SecurityToken: c.SecurityToken})
	}
}
