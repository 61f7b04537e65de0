package chat

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"matrix-expiry-report/internal/message"
)

// Without a connection nothing was sent, so every kind retries.
func TestSendRetriesWithoutConnection(t *testing.T) {
	t.Parallel()
	unresolved := strings.Repeat("a", 64) + ".example:443" // the resolver refuses it without a query
	for address, want := range map[string]string{
		"127.0.0.1:1": "no response: no connection to the host", // nothing listens there
		unresolved:    "no response: the host name does not resolve",
	} {
		_, failure := net.Dial("tcp", address)
		if failure == nil {
			t.Fatalf("connected to %s", address)
		}
		for _, kind := range Kinds {
			synctest.Test(t, func(t *testing.T) {
				env := services[kind.Name].env
				c := load(t, kind.Name, env)
				dials := 0
				fail := func(context.Context, string, string) (net.Conn, error) { dials++; return nil, failure }
				c.transport = &http.Transport{DialContext: fail}
				checkError(t, c.Send(t.Context(), badDay(1), message.Options{Language: "en"}, "key"), kind.Name+": "+want, env)
				if dials != maxTries {
					t.Errorf("%s: %d tries, want %d", kind.Name, dials, maxTries)
				}
			})
		}
	}
}

// A server without a trusted certificate gets no message, and no retry.
func TestSendRefusesUntrustedCertificate(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the message was sent") }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	var connections atomic.Int32
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.StartTLS()
	defer server.Close()
	for _, kind := range Kinds {
		env := elsewhere(services[kind.Name].env, server.URL)
		c := load(t, kind.Name, env)
		c.transport.Proxy = nil
		checkError(t, c.Send(t.Context(), badDay(1), message.Options{Language: "en"}, "key"), kind.Name+": no response: the server's certificate is not trusted", env)
	}
	if n := int(connections.Load()); n != len(Kinds) {
		t.Errorf("%d connections for %d kinds", n, len(Kinds))
	}
}

// elsewhere returns env with the URL at another host.
func elsewhere(env map[string]string, host string) map[string]string {
	moved := map[string]string{}
	for name, v := range env {
		if rest, ok := strings.CutPrefix(v, "https://"); ok {
			v = host + rest[strings.Index(rest, "/"):]
		}
		moved[name] = v
	}
	return moved
}
