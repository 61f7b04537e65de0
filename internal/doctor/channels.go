package doctor

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"matrix-expiry-report/handler"
	"matrix-expiry-report/report"
)

// channels checks that the hosts of the channels can be reached. It sends no
// message. Unless post, it names the flag that does.
func (c Checker) channels(ctx context.Context, post bool) []Check {
	hint := "; --post-test checks the webhook"
	if post {
		hint = ""
	}
	checks := make([]Check, len(c.Channels))
	var wg sync.WaitGroup
	for i, channel := range c.Channels {
		wg.Go(func() {
			host := channel.Host().Host
			checks[i] = Check{"channel " + channel.Name(), OK, host + " can be reached" + hint, ""}
			if via, err := dial(ctx, channel.Host()); err != nil {
				checks[i] = Check{"channel " + channel.Name(), Fail, fmt.Sprintf("%s cannot be reached%s: %v", host, via, err),
					"check the URL, and that the function can access the internet (internetAccess, or a VPC with NAT)"}
			}
		})
	}
	wg.Wait()
	return checks
}

// dial opens and closes a connection to the host of u or, if there is one, to
// the proxy for it, which via then names.
func dial(ctx context.Context, u *url.URL) (via string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if proxy, err := http.ProxyFromEnvironment(&http.Request{URL: u}); err == nil && proxy != nil {
		u, via = proxy, " through the proxy "+proxy.Hostname()
	}
	var conn net.Conn
	if u.Scheme == "https" {
		conn, err = new(tls.Dialer).DialContext(ctx, "tcp", hostPort(u))
	} else {
		conn, err = new(net.Dialer).DialContext(ctx, "tcp", hostPort(u))
	}
	if err != nil {
		return via, err
	}
	return via, conn.Close()
}

// hostPort returns the host of u with a port, which may have the name of the scheme.
func hostPort(u *url.URL) string { return net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), u.Scheme)) }

// testMessages sends a test message to every channel.
func (c Checker) testMessages(ctx context.Context) (checks []Check) {
	o := handler.Options(c.Settings)
	o.Test = true
	r := report.Build(c.Settings.Rules, report.Listing{}, c.Now())
	for _, channel := range c.Channels {
		check := Check{"test message " + channel.Name(), OK, "delivered", ""}
		if err := channel.Send(ctx, r, o, "test "+c.Now().Format(time.RFC3339Nano)); err != nil {
			check.Status, check.Detail, check.Advice = Fail, err.Error(), "fix the webhook; until then this channel gets no report"
		}
		checks = append(checks, check)
	}
	return checks
}
