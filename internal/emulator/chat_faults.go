package emulator

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
)

// A ChatFault is a failure to deliver a message to a chat, or to receive its
// response. Either Connect or Respond is set.
type ChatFault struct {
	Name     string
	Connect  func(net.Conn)   // serves a connection instead of the chat
	ByProxy  bool             // connections go through a proxy, and Connect serves one after its CONNECT request
	Respond  http.HandlerFunc // responds instead of the chat
	Accepted bool             // the chat accepts the message before Respond is called
	Unclear  bool             // the sender cannot know whether the chat accepted the message
}

// ChatFaults returns the faults that every channel is tested with. To add one,
// add a row.
func ChatFaults() []ChatFault {
	return []ChatFault{
		{Name: "handshake reset", Connect: afterHello(reset)},
		{Name: "handshake closed", Connect: afterHello(func(net.Conn) {})},
		{Name: "handshake refused with an alert", Connect: afterHello(write("\x15\x03\x01\x00\x02\x02\x28"))},
		{Name: "handshake without a response", Connect: afterHello(func(c net.Conn) { io.Copy(io.Discard, c) })},
		{Name: "plain HTTP in place of a handshake", Connect: afterHello(write("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nplain HTTP"))},
		{Name: "CONNECT refused with 502", ByProxy: true, Connect: write("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")},
		{Name: "CONNECT refused with 407", ByProxy: true, Connect: write("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")},
		{Name: "CONNECT closed", ByProxy: true, Connect: func(net.Conn) {}},
		{Name: "503", Respond: respond(503, "")},
		{Name: "503 with a broken body", Respond: broken(503)},
		{Name: "404 with a broken body", Respond: broken(404)},
		{Name: "redirect with an invalid address", Respond: respond(302, "", "Location", "http://[")},
		{Name: "502 before acceptance", Respond: respond(502, "<html>Bad Gateway</html>"), Unclear: true},
		{Name: "502 after acceptance", Respond: respond(502, "<html>Bad Gateway</html>"), Unclear: true, Accepted: true},
		{Name: "504 after acceptance", Respond: respond(504, ""), Unclear: true, Accepted: true},
		{Name: "408 after acceptance", Respond: respond(408, ""), Unclear: true, Accepted: true},
		{Name: "502 with a broken body after acceptance", Respond: broken(502), Unclear: true, Accepted: true},
		{Name: "200 with a broken body after acceptance", Respond: broken(200), Unclear: true, Accepted: true},
		{Name: "connection closed before acceptance", Respond: abort, Unclear: true},
		{Name: "connection closed after acceptance", Respond: abort, Unclear: true, Accepted: true},
	}
}

// Listen returns a listener whose first connections, as many as times, have the
// fault, if it has a Connect. Accept returns only the others.
func (f ChatFault) Listen(l net.Listener, times int) net.Listener {
	return &faultyListener{Listener: l, fault: f, left: times}
}

type faultyListener struct {
	net.Listener
	fault ChatFault
	left  int
}

// Accept returns the next connection without the fault.
func (l *faultyListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.fault.ByProxy {
			if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
				c.Close()
				continue
			}
		}
		if l.fault.Connect != nil && l.left > 0 {
			l.left--
			go func() {
				defer c.Close()
				l.fault.Connect(c)
			}()
			continue
		}
		if l.fault.ByProxy {
			io.WriteString(c, "HTTP/1.1 200 Connection established\r\n\r\n")
		}
		return c, nil
	}
}

// Handler returns a handler that responds to the first requests, as many as times,
// with the fault, if it has a Respond. chat responds to the others.
func (f ChatFault) Handler(chat http.Handler, times int) http.Handler {
	var faulted atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f.Respond == nil || faulted.Add(1) > int64(times) {
			chat.ServeHTTP(w, r)
			return
		}
		if f.Accepted {
			chat.ServeHTTP(discarded{http.Header{}}, r)
		}
		io.Copy(io.Discard, r.Body)
		f.Respond(w, r)
	})
}

// afterHello returns a function that reads the start of a TLS handshake and then
// calls next.
func afterHello(next func(net.Conn)) func(net.Conn) {
	return func(c net.Conn) {
		if _, err := c.Read(make([]byte, 16<<10)); err == nil {
			next(c)
		}
	}
}

func write(s string) func(net.Conn) {
	return func(c net.Conn) { io.WriteString(c, s) }
}

// reset closes a TCP connection with RST.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
}

// broken responds with a status and half a body.
func broken(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		w.WriteHeader(status)
		fmt.Fprint(w, "half")
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

func abort(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// discarded is a response that the sender of the message does not receive.
type discarded struct{ header http.Header }

func (d discarded) Header() http.Header       { return d.header }
func (discarded) Write(b []byte) (int, error) { return len(b), nil }
func (discarded) WriteHeader(int)             {}
