package cli

import (
	"context"
	"fmt"
	"time"

	fakecloud "matrix-expiry-report/internal/emulator/cloud"
)

// emulator serves an emulated Cloud Phone API until it is interrupted.
func (p Program) emulator(ctx context.Context, args []string) error {
	flags := p.flags("emulator")
	listen := flags.String("listen", "127.0.0.1:8080", "")
	id := flags.String("key-id", "emulator", "")
	secret := flags.String("key-secret", "emulator-secret", "")
	if err := parse(flags, args); err != nil {
		return err
	}
	cloud := &fakecloud.Server{Nodes: fakecloud.Fleet(time.Now()), Keys: map[string]fakecloud.Key{*id: {Secret: *secret}}}
	return serveHTTP(ctx, *listen, cloud, func(address string) {
		fmt.Fprintf(p.Stdout, "emulated Cloud Phone API with %d matrices: http://%s\n", len(cloud.Nodes), address)
	})
}
