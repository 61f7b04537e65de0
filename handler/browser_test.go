package handler_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"matrix-expiry-report/internal/browsertest"
	"matrix-expiry-report/report"
)

// chromium starts a headless Chromium and returns its context, or an error if
// there is none. The tests share one, each with a tab of its own.
var chromium = sync.OnceValues(func() (context.Context, error) {
	options, err := browsertest.Options()
	if err != nil {
		return nil, err
	}
	ctx, _ := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, _ = chromedp.NewContext(ctx)
	stopChromium = func() { _ = chromedp.Cancel(ctx) }
	return ctx, chromedp.Run(ctx)
})

// stopChromium ends the browser, if it was started, and waits for it.
var stopChromium = func() {}

func TestMain(m *testing.M) {
	code := m.Run()
	stopChromium()
	os.Exit(code)
}

// newTab returns a new tab of the browser. Without a browser it skips the test,
// or fails it in CI.
func newTab(t testing.TB) context.Context {
	t.Helper()
	ctx, err := chromium()
	if errors.Is(err, exec.ErrNotFound) && os.Getenv("CI") == "" {
		t.Skip("no Chromium: the page is not tested in a browser (apt install chromium)")
	}
	if err != nil {
		t.Fatal("starting Chromium: ", err)
	}
	ctx, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// watch returns a function that lists the errors of the page, and its requests
// to other servers than those at home.
func watch(ctx context.Context, home ...string) func() []string {
	var mu sync.Mutex
	var found []string
	add := func(format string, values ...any) {
		mu.Lock()
		defer mu.Unlock()
		found = append(found, fmt.Sprintf(format, values...))
	}
	chromedp.ListenTarget(ctx, func(e any) {
		switch e := e.(type) {
		case *network.EventRequestWillBeSent:
			u := regexp.MustCompile(`//[^/@]*@`).ReplaceAllString(e.Request.URL, "//") // without a password
			atHome := func(prefix string) bool { return strings.HasPrefix(u, prefix) }
			if !slices.ContainsFunc(append(home, "data:", "about:"), atHome) {
				add("request to %s", e.Request.URL)
			}
		case *runtime.EventExceptionThrown:
			add("exception: %s", e.ExceptionDetails.Error())
		case *runtime.EventConsoleAPICalled:
			add("console: %s %v", e.Type, e.Args)
		case *log.EventEntryAdded:
			add("log: %s %s", e.Entry.Level, e.Entry.Text)
		}
	})
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return found
	}
}

// A tab is a tab of the browser that shows the page of a handler.
type tab struct {
	*testing.T
	ctx  context.Context
	url  string // of the handler
	errs func() []string
}

// serve serves h until the test ends, and returns its URL.
func serve(t *testing.T, h http.Handler) string {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

// open returns a tab that shows a path of h, and fails the test if the page has
// errors until it ends.
func open(t *testing.T, h http.Handler, path string) *tab {
	t.Helper()
	ctx := newTab(t)
	url := serve(t, h)
	b := &tab{t, ctx, url, watch(ctx, url)}
	t.Cleanup(func() {
		if found := b.errs(); len(found) > 0 {
			t.Errorf("errors in the browser: %q", found)
		}
	})
	b.run(log.Enable(), network.Enable(), chromedp.EmulateViewport(1280, 900), chromedp.Navigate(url+path))
	return b
}

func (b *tab) run(actions ...chromedp.Action) {
	b.Helper()
	if err := chromedp.Run(b.ctx, actions...); err != nil {
		b.Fatal(err)
	}
}

// eval returns the value of a script, or of its promise.
func eval[T any](b *tab, script string) (value T) {
	b.Helper()
	b.run(chromedp.Evaluate(script, &value, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
	return value
}

// rows returns the cells of the visible rows.
func (b *tab) rows() [][]string {
	b.Helper()
	return eval[[][]string](b, `[...document.querySelectorAll('tbody tr')].filter(tr => !tr.hidden).map(tr => [...tr.cells].map(c => c.innerText.trim()))`)
}

// column returns one column of the visible rows.
func (b *tab) column(i int) (cells []string) {
	b.Helper()
	for _, row := range b.rows() {
		cells = append(cells, row[i])
	}
	return cells
}

// choose chooses an option of a list.
func (b *tab) choose(list, value string) {
	b.Helper()
	eval[int](b, fmt.Sprintf(`{ const list = document.querySelector(%q); list.value = %q; list.dispatchEvent(new Event('change')); 0 }`, list, value))
}

// TestPageSorts checks that the table has the order of the box on top, and sorts it
// by mouse, by keyboard and with the list of a phone.
func TestPageSorts(t *testing.T) {
	w := setup(t)
	b := open(t, w, "/report.html")
	const phones, header = 5, `thead th:nth-child(6)`
	numbers := func() (numbers []int) {
		for _, cell := range b.column(phones) {
			n, err := strconv.Atoi(strings.Fields(cell)[0])
			if err != nil {
				t.Fatal(err)
			}
			numbers = append(numbers, n)
		}
		return numbers
	}
	sorted := func(name, direction string) {
		t.Helper()
		var got string
		b.run(chromedp.AttributeValue(header, "aria-sort", &got, nil))
		column := numbers()
		if direction == "descending" {
			slices.Reverse(column)
		}
		if !slices.IsSorted(column) || len(column) != 23 || got != direction {
			t.Errorf("%s sorts %v, %s", name, column, got)
		}
	}
	before := b.column(1)
	box := eval[[]string](b, `[...document.querySelectorAll('.urgent b')].map(e => e.innerText)`)
	for i, name := range box {
		if !strings.HasPrefix(before[i], name) {
			t.Errorf("row %d is %q, and %q in the box on top", i, before[i], name)
		}
	}
	if len(box) != 7 {
		t.Errorf("the box on top has %q", box)
	}
	b.run(chromedp.Click(header + " button"))
	sorted("a click", "ascending")
	b.run(chromedp.Focus(header+" button"), chromedp.KeyEvent(kb.Enter))
	sorted("Enter", "descending")
	b.run(chromedp.EmulateViewport(390, 844))
	if !eval[bool](b, `document.querySelector('#sort').checkVisibility() && !document.querySelector('thead').checkVisibility()`) {
		t.Error("a phone has no list to sort with")
	}
	b.choose("#sort select", "5 ascending")
	sorted("the list", "ascending")
	b.choose("#sort select", "")
	if after := b.column(1); !slices.Equal(before, after) {
		t.Errorf("the rows are %q, want the order of the server %q", after, before)
	}
}

// TestPageWithoutScript filters with the form and with a bar.
func TestPageWithoutScript(t *testing.T) {
	w := setup(t)
	all := w.get(t, "/report")
	count := func(reason report.Reason) int {
		return len(all.Filter(func(f report.Finding) bool { return f.Reason == reason }).Findings)
	}
	b := open(t, w, "/report.html")
	without, with := emulation.SetScriptExecutionDisabled(true), emulation.SetScriptExecutionDisabled(false)
	var location string
	b.run(without, chromedp.Navigate(b.url+"/report.html"),
		chromedp.SetValue(`select[name=reason]`, "failed"), chromedp.Focus(`form button`), chromedp.KeyEvent(kb.Enter),
		chromedp.WaitReady(`option[value=failed][selected]`, chromedp.ByQuery), with, chromedp.Location(&location))
	if n := len(b.rows()); n != count(report.Failed) || !strings.Contains(location, "reason=failed") || !strings.Contains(location, "days=30") {
		t.Errorf("%d rows at %s, want %d", n, location, count(report.Failed))
	}
	b.run(without, chromedp.Navigate(b.url+"/report.html"), chromedp.Click(`#reasons + ul a[data-filter="reason=stuck"]`),
		chromedp.WaitReady(`option[value=stuck][selected]`, chromedp.ByQuery), with)
	if n := len(b.rows()); n != count(report.Stuck) {
		t.Errorf("the bar leads to %d rows, want %d", n, count(report.Stuck))
	}
	if eval[bool](b, `[...document.querySelectorAll('.copy')].some(e => e.checkVisibility())`) != true {
		t.Error("with a script there is no button to copy an id")
	}
}

// BenchmarkPageInBrowser sorts and searches 5,000 rows, including the layout.
func BenchmarkPageInBrowser(b *testing.B) {
	ctx := newTab(b)
	server := httptest.NewServer(newHandler(expiring(5000, time.Second)))
	b.Cleanup(server.Close)
	var n int
	if err := chromedp.Run(ctx, chromedp.Navigate(server.URL+"/report.html?days=1"), chromedp.Evaluate(`document.querySelectorAll('tbody tr').length`, &n)); err != nil || n != 5000 {
		b.Fatalf("%d rows, %v", n, err)
	}
	for name, script := range map[string]string{
		"sort":   `document.querySelector('thead th:nth-child(5) button').click(); document.body.offsetHeight`,
		"search": `{ const i = document.querySelector('#search input'); i.value = i.value ? '' : 'cpn-049'; i.dispatchEvent(new Event('input')); document.body.offsetHeight }`,
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := chromedp.Run(ctx, chromedp.Evaluate(script, nil)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
