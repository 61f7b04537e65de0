package doctor

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
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
func (c Checker) channels(ctx context.Context, post bool) (checks []Check) {
	hint := "; --post-test checks the webhook"
	if post {
		hint = ""
	}
	results := make([]dialResult, len(c.Channels))
	var wg sync.WaitGroup
	for i, channel := range c.Channels {
		wg.Go(func() {
			via, err := dial(ctx, channel.Host())
			results[i] = dialResult{channel.Name(), channel.Host().Host, via, err}
		})
	}
	wg.Wait()
	for _, g := range byCause(results, dialResult.cause) {
		name := "channel " + list(g, func(r dialResult) string { return r.channel })
		hosts := list(g, func(r dialResult) string { return r.host })
		switch {
		case g[0].err == nil:
			checks = append(checks, Check{name, OK, hosts + " can be reached" + hint, ""})
		case len(g) == 1:
			checks = append(checks, Check{name, Fail, fmt.Sprintf("%s cannot be reached%s: %v", hosts, g[0].via, g[0].err), "check the URL, DNS, firewall and proxy"})
		default:
			checks = append(checks, Check{name, Fail, fmt.Sprintf("%s cannot be reached%s: %s", hosts, g[0].via, innermost(g[0].err)),
				"check DNS, firewall and proxy (HTTPS_PROXY); a function needs internetAccess, or a VPC with NAT"})
		}
	}
	return checks
}

// A dialResult is the outcome of connecting to the host of a channel.
type dialResult struct {
	channel, host string
	via           string // names the proxy; empty if there is none
	err           error
}

// cause returns what is the same for channels that cannot be reached for the same
// reason.
func (r dialResult) cause() string {
	if r.err == nil {
		return "channel " + r.channel
	}
	return r.via + innermost(r.err)
}

// innermost returns the text of the error that err wraps, without addresses.
func innermost(err error) string {
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return e.Err
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err.Error()
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
