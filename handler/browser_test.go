package handler_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"matrix-expiry-report/report"
)

// browser starts a headless Chromium and returns its context, or an error if
// there is none. The tests share one, each with a tab of its own.
var browser = sync.OnceValues(func() (context.Context, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		options := append(chromedp.DefaultExecAllocatorOptions[:],
			chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
			chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-background-networking", true))
		ctx, _ := chromedp.NewExecAllocator(context.Background(), options...)
		ctx, _ = chromedp.NewContext(ctx)
		stopBrowser = func() { _ = chromedp.Cancel(ctx) }
		return ctx, chromedp.Run(ctx)
	}
	return nil, exec.ErrNotFound
})

// stopBrowser ends the browser, if it was started, and waits for it.
var stopBrowser = func() {}

func TestMain(m *testing.M) {
	code := m.Run()
	stopBrowser()
	os.Exit(code)
}

// newTab returns a new tab of the browser. Without a browser it skips the test,
// or fails it in CI.
func newTab(t testing.TB) context.Context {
	t.Helper()
	ctx, err := browser()
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
// to other servers than home.
func watch(ctx context.Context, home string) func() []string {
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
			if !strings.HasPrefix(e.Request.URL, home) && !strings.HasPrefix(e.Request.URL, "data:") {
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

// rows is a script for the cells of the visible rows.
const rows = `[...document.querySelectorAll('tbody tr')].filter(tr => !tr.hidden).map(tr => [...tr.cells].map(c => c.innerText.trim()))`

// TestPageInBrowser sorts, filters and searches the table, with and without a
// script.
func TestPageInBrowser(t *testing.T) {
	ctx := newTab(t)
	w := setup(t)
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	errs := watch(ctx, server.URL)
	all := w.get(t, "/report")
	run := func(name string, actions ...chromedp.Action) {
		t.Helper()
		if err := chromedp.Run(ctx, actions...); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	var list [][]string
	var text string
	run("load", log.Enable(), network.Enable(), chromedp.EmulateViewport(1280, 900), chromedp.Navigate(server.URL+"/report.html"), chromedp.Evaluate(rows, &list), chromedp.Title(&text))
	if len(list) != len(all.Findings) || !strings.Contains(text, "2 failed") || !strings.HasPrefix(list[0][0], "critical") {
		t.Errorf("%d rows, title %q, first row %q", len(list), text, list[0])
	}

	phones := func(list [][]string) (column []string) {
		for _, row := range list {
			column = append(column, fmt.Sprintf("%6s", row[5]))
		}
		return column
	}
	const header = `thead th:nth-child(6)`
	run("sort by mouse", chromedp.Click(header+" button"), chromedp.Evaluate(rows, &list), chromedp.AttributeValue(header, "aria-sort", &text, nil))
	if column := phones(list); !slices.IsSorted(column) || text != "ascending" {
		t.Errorf("a click sorts %v, %s", column, text)
	}
	run("sort by keyboard", chromedp.Focus(header+" button"), chromedp.KeyEvent(kb.Enter), chromedp.Evaluate(rows, &list), chromedp.AttributeValue(header, "aria-sort", &text, nil))
	column := phones(list)
	slices.Reverse(column)
	if !slices.IsSorted(column) || text != "descending" {
		t.Errorf("Enter sorts %v, %s", phones(list), text)
	}

	count := func(keep func(report.Finding) bool) int { return len(all.Filter(keep).Findings) }
	notices := count(func(f report.Finding) bool { return f.Severity == report.Notice })
	run("filter", chromedp.SetValue(`select[name=severity]`, "notice"), chromedp.Evaluate(`document.querySelector('select[name=severity]').dispatchEvent(new Event('change'))`, nil),
		chromedp.Evaluate(rows, &list), chromedp.Text("#shown", &text))
	if len(list) != notices || !strings.Contains(text, fmt.Sprint(notices)) || !strings.Contains(text, fmt.Sprint(len(all.Findings))) {
		t.Errorf("%d rows and %q, want %d of %d", len(list), text, notices, len(all.Findings))
	}
	run("search", chromedp.SetValue(`select[name=severity]`, ""), chromedp.SendKeys(`#search input`, all.Findings[3].NodeID), chromedp.Evaluate(rows, &list))
	if len(list) != 1 || !strings.Contains(list[0][1], all.Findings[3].NodeID) {
		t.Errorf("the search for one id shows %v", list)
	}

	failed := count(func(f report.Finding) bool { return f.Reason == report.Failed })
	run("submit the form without a script", emulation.SetScriptExecutionDisabled(true), chromedp.Navigate(server.URL+"/report.html"),
		chromedp.SetValue(`select[name=reason]`, "failed"), chromedp.Focus(`form button`), chromedp.KeyEvent(kb.Enter),
		chromedp.WaitReady(`option[value=failed][selected]`, chromedp.ByQuery),
		emulation.SetScriptExecutionDisabled(false), chromedp.Evaluate(rows, &list), chromedp.Location(&text))
	if len(list) != failed || !strings.Contains(text, "reason=failed") || !strings.Contains(text, "days=30") {
		t.Errorf("%d rows at %s, want %d", len(list), text, failed)
	}
	if found := errs(); len(found) > 0 {
		t.Errorf("errors in the browser: %q", found)
	}
}

// TestPageLayout checks for several devices and media that the page is not wider
// than the window, and accessible. If PAGE_PICTURES is a directory, it saves
// pictures of the page there.
func TestPageLayout(t *testing.T) {
	ctx := newTab(t)
	w := setup(t)
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	errs := watch(ctx, server.URL)
	for _, c := range []struct {
		name, query, scheme, media string
		width, height              int64
	}{
		{"light", "", "light", "screen", 1280, 900},
		{"dark", "?lang=zh", "dark", "screen", 1280, 900},
		{"tablet", "?all=1", "light", "screen", 1000, 900},
		{"phone", "", "light", "screen", 375, 812},
		{"phone-dark", "?days=5&lang=zh", "dark", "screen", 375, 812},
		{"quiet", "?region=cn-shanghai&days=0&severity=notice", "light", "screen", 1280, 900},
		{"print", "", "light", "print", 794, 1123},
	} {
		t.Run(c.name, func(t *testing.T) {
			var wider bool
			var violations []string
			err := chromedp.Run(ctx, log.Enable(), network.Enable(),
				emulation.SetDeviceMetricsOverride(c.width, c.height, 1, c.width < 500),
				emulation.SetEmulatedMedia().WithMedia(c.media).WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: c.scheme}}),
				chromedp.Navigate(server.URL+"/report.html"+c.query),
				chromedp.Evaluate(`document.documentElement.scrollWidth > innerWidth`, &wider),
				chromedp.Evaluate(accessible, &violations))
			if err != nil {
				t.Fatal(err)
			}
			if wider {
				t.Errorf("the page is wider than %d pixels", c.width)
			}
			for _, v := range violations {
				t.Error(v)
			}
			if dir := os.Getenv("PAGE_PICTURES"); dir != "" {
				savePictures(t, ctx, filepath.Join(dir, c.name))
			}
		})
	}
	if found := errs(); len(found) > 0 {
		t.Errorf("errors in the browser: %q", found)
	}
}

// savePictures saves a picture and a print of the page.
func savePictures(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	var picture, print []byte
	err := chromedp.Run(ctx, chromedp.FullScreenshot(&picture, 100), chromedp.ActionFunc(func(ctx context.Context) (err error) {
		print, _, err = page.PrintToPDF().Do(ctx)
		return err
	}))
	if err := errors.Join(err, os.WriteFile(name+".png", picture, 0o644), os.WriteFile(name+".pdf", print, 0o644)); err != nil {
		t.Error(err)
	}
}

// accessible is a script for the violations of WCAG 2.2 that a script can find.
const accessible = `(() => {
  const bad = [];
  const visible = e => e.checkVisibility({visibilityProperty: true}) && !e.closest('[aria-hidden=true], .hidden, .skip');
  if (!document.documentElement.lang) bad.push('no language');
  if (!document.title) bad.push('no title');
  if (document.querySelectorAll('h1').length !== 1) bad.push('not exactly one h1');
  for (const tag of ['header', 'main', 'footer']) if (document.querySelectorAll('body > ' + tag).length !== 1) bad.push('not exactly one ' + tag);
  let last = 0;
  for (const h of document.querySelectorAll('h1,h2,h3,h4,h5,h6')) {
    const level = Number(h.tagName[1]);
    if (level > last + 1) bad.push('heading ' + h.textContent + ' skips a level');
    if (!h.textContent.trim()) bad.push('an empty heading');
    last = level;
  }
  const named = e => (e.getAttribute('aria-label') || (e.getAttribute('aria-labelledby') || '').split(' ').map(id => document.getElementById(id)?.textContent || '').join('') ||
    [...(e.labels || [])].map(l => l.textContent).join('') || e.textContent).trim();
  for (const e of document.querySelectorAll('a, button, select, input:not([type=hidden]), svg[role=img], section, [role=group], nav, form')) {
    if (!named(e)) bad.push('no name: ' + e.outerHTML.slice(0, 120));
    for (const id of (e.getAttribute('aria-labelledby') || '').split(' ').filter(Boolean)) if (!document.getElementById(id)) bad.push('no element with the id ' + id);
  }
  for (const e of document.querySelectorAll('svg:not([role=img])')) if (!e.closest('[aria-hidden=true]')) bad.push('a picture without a name that is not hidden');
  for (const th of document.querySelectorAll('th')) if (!th.scope) bad.push('a table header without scope');
  for (const table of document.querySelectorAll('table')) if (!table.caption) bad.push('a table without caption');
  for (const e of document.querySelectorAll('a, button, select, input:not([type=hidden])')) {
    const box = e.getBoundingClientRect();
    if (visible(e) && e.tagName !== 'A' && (box.height < 24 || box.width < 24)) bad.push('target too small: ' + e.outerHTML.slice(0, 80));
  }
  const rgba = s => (s.match(/[\d.]+/g) || []).map(Number);
  const luminance = c => { const [r, g, b] = c.slice(0, 3).map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
  const ground = e => { for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] === 1) return c; } return rgba(getComputedStyle(document.body).backgroundColor); };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.textContent.trim() || !visible(e) || ['SCRIPT', 'STYLE', 'OPTION'].includes(e.tagName)) continue;
    const style = getComputedStyle(e);
    const [a, b] = [luminance(rgba(e.closest('svg') ? style.fill : style.color)), luminance(ground(e))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    const key = e.tagName + '.' + e.className;
    if (ratio < 4.5 && !seen.has(key)) { seen.add(key); bad.push('contrast ' + ratio.toFixed(2) + ' of ' + key + ': ' + walk.currentNode.textContent.trim().slice(0, 40)); }
  }
  return bad;
})()`

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
