package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// serve serves HTTP like the function's trigger, until it is interrupted.
func (p Program) serve(ctx context.Context, args []string) error {
	flags := p.flags("serve")
	listen := flags.String("listen", "127.0.0.1:9000", "")
	file := flags.String("env-file", "", "")
	if err := parse(flags, args); err != nil {
		return err
	}
	p, fileErrs, err := p.withEnvFile(*file)
	if err != nil {
		return err
	}
	a := newApp(p.Getenv, credentials, nil)
	a.errs = errors.Join(fileErrs, a.errs)
	if err := a.validate(); err != nil {
		return err
	}
	h := a.handler(slog.New(slog.NewTextHandler(p.Stderr, a.logOptions())))
	return serveHTTP(ctx, *listen, h, func(address string) {
		fmt.Fprintf(p.Stdout, "http://%s/report\n", address)
	})
}

// serveHTTP serves h until ctx is done. It calls ready with the address that it
// listens on.
func serveHTTP(ctx context.Context, listen string, h http.Handler, ready func(address string)) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	context.AfterFunc(ctx, func() { server.Close() })
	ready(l.Addr().String())
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving %s: %w", listen, err)
	}
	return nil
}
