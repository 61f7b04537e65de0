package cli

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"matrix-expiry-report/internal/config"
)

// serve serves HTTP like the function's trigger, until it is interrupted.
func (p Program) serve(flags *flag.FlagSet) action {
	listen := flags.String("listen", "127.0.0.1:9000", "listen on `ADDRESS`")
	envFile := envFileFlag(flags)
	return func(ctx context.Context, _ string) error { return p.serveReport(ctx, *listen, *envFile) }
}

func (p Program) serveReport(ctx context.Context, listen, envFile string) error {
	p, a, err := p.load(envFile, nil)
	if err != nil {
		return err
	}
	if err := a.validate(false); err != nil {
		return err
	}
	if a.settings.HTTPOff != "" {
		return settingsError{errors.New(strings.ReplaceAll(a.settings.HTTPOff, "; ", "\n"))}
	}
	generated := ""
	if a.settings.HTTPToken == "" && a.settings.HTTPAuth != config.TriggerAuth {
		generated = rand.Text()
		a.settings.HTTPToken = config.Secret(generated)
	}
	h := a.handler(slog.New(slog.NewTextHandler(plainWriter{p.Stderr}, &slog.HandlerOptions{Level: a.settings.LogLevel})))
	var site http.Handler = h
	if a.settings.HTTPToken == "" {
		site = checkHost(h, listen)
	}
	return serveHTTP(ctx, listen, site, func(address string) {
		base := &url.URL{Scheme: "http", Host: strings.Replace(address, "[::]", "127.0.0.1", 1)} // browsers cannot open [::]
		if a.settings.HTTPToken == "" {
			fmt.Fprintf(p.Stdout, "%s/report.html\n", base)
		} else {
			fmt.Fprintln(p.Stdout, h.SignedLink(base))
		}
		if generated != "" {
			fmt.Fprintf(p.Stdout, "%s/ with any user name and, until serve ends, the password %s\n", base, generated)
		}
		if !isLoopback(address) {
			fmt.Fprintf(p.Stderr, "warning: %s can be reached from other machines, without TLS; the default, 127.0.0.1:9000, cannot\n", address)
		}
	})
}

// Timeouts of the server. A report of a large account takes minutes, so writing
// has none.
const (
	headerTimeout   = 10 * time.Second
	readTimeout     = 30 * time.Second // of a request with its body, which is small
	idleTimeout     = 2 * time.Minute
	shutdownTimeout = 25 * time.Second // Kubernetes kills a container after 30 seconds
)

// serveHTTP serves h until ctx is done, and then until the requests that it is
// answering are finished. It calls ready with the address that it listens on.
func serveHTTP(ctx context.Context, listen string, h http.Handler, ready func(address string)) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	ready(l.Addr().String())
	return serveListener(ctx, l, h)
}

func serveListener(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, IdleTimeout: idleTimeout}
	finished := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		timeout, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		finished <- cmp.Or(server.Shutdown(timeout), server.Close())
	})
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		stop()
		return fmt.Errorf("serving %s: %w", l.Addr(), err)
	}
	if err := <-finished; err != nil {
		return fmt.Errorf("finishing the requests: %w", err)
	}
	return nil
}

// checkHost refuses requests whose Host is a name other than localhost or that of
// the address listened on: a page of another site can have its name resolve to
// this machine and so read the responses (DNS rebinding).
func checkHost(h http.Handler, listen string) http.Handler {
	own, _, _ := net.SplitHostPort(listen)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := (&url.URL{Host: r.Host}).Hostname()
		if net.ParseIP(host) == nil && host != "localhost" && host != own {
			http.Error(w, "unknown host: use the address that serve prints, or set HTTP_TOKEN", http.StatusMisdirectedRequest)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// isLoopback reports whether only this machine can reach an address.
func isLoopback(address string) bool {
	a, err := netip.ParseAddrPort(address)
	return err == nil && a.Addr().IsLoopback()
}
