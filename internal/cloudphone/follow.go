package cloudphone

import (
	"context"
	"fmt"
	"maps"
	"sync"
)

// follow reads one chain of pages to its end, or over limit pages if limit is
// not 0. add takes in each page, and says how many of its rows are new, and
// whether there is no need to go on.
func (r *reading) follow(ctx context.Context, query map[string]string, limit int, c *chain, add func(*page) (fresh int, done bool)) (ended bool, err error) {
	w := r.walk(ctx, query, limit == 0)
	defer w.stop()
	tokens := map[string]bool{}
	startedOver := false
	w.first = w.want("")
	for read, barren := 1, 0; ; read++ {
		f := w.first
		<-f.done
		if expiredToken(f.err) && f.token != "" && !startedOver {
			startedOver = true
			clear(tokens)
			w.next("")
			continue
		}
		if f.err != nil {
			return false, f.err
		}
		barren++
		fresh, done := add(f.page)
		if fresh > 0 {
			barren = 0
		}
		token := f.page.NextToken
		switch {
		case token == "" || done:
			return true, nil
		case read == limit:
			return false, nil
		case tokens[token]:
			return false, &Error{Code: "RepeatedToken", Message: "the service repeats its pages without end"}
		case barren == fruitless, read >= manyPages && r.twice(c), read == maxPages:
			return false, &Error{Code: "EndlessPages", Message: fmt.Sprintf("no end after %d pages, of which the last %d brought nothing new", read, barren)}
		}
		tokens[token] = true
		w.next(token)
	}
}

// A walk asks for one page after another, by two clients: while one still reads
// the rows of a page, the other asks for the next, as soon as its token is
// known.
type walk struct {
	ctx    context.Context
	cancel context.CancelFunc
	query  map[string]string
	ahead  bool
	wanted chan *fetch
	first  *fetch // that is not done with
	ends   sync.WaitGroup
}

// A fetch is one page that is asked for.
type fetch struct {
	token string
	done  chan struct{} // closed when what follows is there
	page  *page         // good until free is closed
	err   error
	next  *fetch // that was asked for ahead
	free  chan struct{}
}

func (r *reading) walk(ctx context.Context, query map[string]string, ahead bool) *walk {
	w := &walk{query: maps.Clone(query), ahead: ahead, wanted: make(chan *fetch, 2)}
	w.query["MaxResults"] = pageSize
	w.ctx, w.cancel = context.WithCancel(ctx)
	for range cap(w.wanted) {
		c := r.open()
		w.ends.Go(func() { w.work(c) })
	}
	return w
}

func (w *walk) work(c *client) {
	for f := range w.wanted {
		w.fetch(c, f)
		close(f.done)
		<-f.free
	}
}

func (w *walk) fetch(c *client, f *fetch) {
	defer func() {
		if p := recover(); p != nil {
			f.err = fmt.Errorf("panic: %v", p)
		}
	}()
	query := maps.Clone(w.query)
	if f.token != "" {
		query["NextToken"] = f.token
	}
	f.page, f.err = c.call(w.ctx, "DescribeCloudPhoneNodes", query, func(token string) {
		if w.ahead && f.next == nil && token != f.token {
			f.next = w.want(token)
		}
	})
}

func (w *walk) want(token string) *fetch {
	f := &fetch{token: token, done: make(chan struct{}), free: make(chan struct{})}
	w.wanted <- f // never more than two
	return f
}

// next is done with the first page, and goes on with that of a token.
func (w *walk) next(token string) {
	done := w.first
	close(done.free)
	w.first = done.next
	switch {
	case w.first == nil:
		w.first = w.want(token)
	case w.first.token != token: // an answer was read twice, and differed
		<-w.first.done
		w.next(token)
	}
}

// stop waits for what was asked for ahead and is not wanted any more.
func (w *walk) stop() {
	w.cancel()
	for f := w.first; f != nil; f = f.next {
		<-f.done
		close(f.free)
	}
	close(w.wanted)
	w.ends.Wait()
}
