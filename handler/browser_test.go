package handler_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
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

	fakecloud "matrix-expiry-report/internal/emulator/cloud"
	"matrix-expiry-report/report"
)

// browser starts a headless Chromium, without which the test is skipped, but
// never in CI.
func browser(t *testing.T) context.Context {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		options := append(chromedp.DefaultExecAllocatorOptions[:],
			chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
			chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-background-networking", true))
		ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
		t.Cleanup(cancel)
		ctx, cancel = chromedp.NewContext(ctx)
		t.Cleanup(cancel)
		ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
		t.Cleanup(cancel)
		return ctx
	}
	if os.Getenv("CI") != "" {
		t.Fatal("CI has no Chromium: .ci/run installs it")
	}
	t.Skip("there is no Chromium here, so nobody looks at the page: apt install chromium")
	return nil
}

// watch collects what the page complains of, and where it goes.
func watch(ctx context.Context, home string) func() []string {
	var mu sync.Mutex
	var bad []string
	add := func(format string, values ...any) {
		mu.Lock()
		defer mu.Unlock()
		bad = append(bad, fmt.Sprintf(format, values...))
	}
	chromedp.ListenTarget(ctx, func(e any) {
		switch e := e.(type) {
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(e.Request.URL, home) && !strings.HasPrefix(e.Request.URL, "data:") {
				add("asked for %s", e.Request.URL)
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
		return bad
	}
}

// rows are the first cells of what the table shows.
const rows = `[...document.querySelectorAll('tbody tr')].filter(tr => !tr.hidden).map(tr => [...tr.cells].map(c => c.innerText.trim()))`

func TestThePageInABrowser(t *testing.T) {
	ctx := browser(t)
	w := setup(t)
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	bad := watch(ctx, server.URL)
	var all report.Report
	if err := json.Unmarshal(w.do("GET", "/report").Body.Bytes(), &all); err != nil {
		t.Fatal(err)
	}
	run := func(name string, actions ...chromedp.Action) {
		t.Helper()
		if err := chromedp.Run(ctx, actions...); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	var list [][]string
	var text string
	run("loading", log.Enable(), network.Enable(), chromedp.EmulateViewport(1280, 900), chromedp.Navigate(server.URL+"/report.html"), chromedp.Evaluate(rows, &list), chromedp.Title(&text))
	if len(list) != len(all.Findings) || !strings.Contains(text, "2 failed") || !strings.HasPrefix(list[0][0], "critical") {
		t.Errorf("%d rows, the title is %q, the first row %q", len(list), text, list[0])
	}

	phones := func(list [][]string) (out []string) {
		for _, row := range list {
			out = append(out, fmt.Sprintf("%6s", row[5]))
		}
		return out
	}
	sorted := func(list []string, descending bool) bool {
		for i := 1; i < len(list); i++ {
			if descending && list[i-1] < list[i] || !descending && list[i-1] > list[i] {
				return false
			}
		}
		return true
	}
	const header = `thead th:nth-child(6)`
	run("sorting by mouse", chromedp.Click(header+" button"), chromedp.Evaluate(rows, &list), chromedp.AttributeValue(header, "aria-sort", &text, nil))
	if !sorted(phones(list), false) || text != "ascending" {
		t.Errorf("a click sorts %v, %s", phones(list), text)
	}
	run("sorting by keyboard", chromedp.Focus(header+" button"), chromedp.KeyEvent(kb.Enter), chromedp.Evaluate(rows, &list), chromedp.AttributeValue(header, "aria-sort", &text, nil))
	if !sorted(phones(list), true) || text != "descending" {
		t.Errorf("Enter sorts %v, %s", phones(list), text)
	}

	notices := len(all.Filter(func(f report.Finding) bool { return f.Severity == report.Notice }).Findings)
	run("filtering", chromedp.SetValue(`select[name=severity]`, "notice"), chromedp.Evaluate(`document.querySelector('select[name=severity]').dispatchEvent(new Event('change'))`, nil),
		chromedp.Evaluate(rows, &list), chromedp.Text("#shown", &text))
	if len(list) != notices || text != fmt.Sprintf("%d of %d shown", notices, len(all.Findings)) {
		t.Errorf("%d rows and %q, want %d", len(list), text, notices)
	}
	run("finding", chromedp.SetValue(`select[name=severity]`, ""), chromedp.SendKeys(`#search input`, all.Findings[3].NodeID), chromedp.Evaluate(rows, &list))
	if len(list) != 1 || !strings.Contains(list[0][1], all.Findings[3].NodeID) {
		t.Errorf("finding one id shows %v", list)
	}

	// Without a script, the form asks the server.
	failed := len(all.Filter(func(f report.Finding) bool { return f.Reason == report.Failed }).Findings)
	run("without a script", emulation.SetScriptExecutionDisabled(true), chromedp.Navigate(server.URL+"/report.html"),
		chromedp.SetValue(`select[name=reason]`, "failed"), chromedp.Focus(`form button`), chromedp.KeyEvent(kb.Enter),
		chromedp.WaitReady(`option[value=failed][selected]`, chromedp.ByQuery),
		emulation.SetScriptExecutionDisabled(false), chromedp.Evaluate(rows, &list), chromedp.Location(&text))
	if len(list) != failed || !strings.Contains(text, "reason=failed") || !strings.Contains(text, "days=30") {
		t.Errorf("%d rows at %s, want %d", len(list), text, failed)
	}
	if complaints := bad(); len(complaints) > 0 {
		t.Errorf("the browser complains: %q", complaints)
	}
}

// Every look of the page: nothing is wider than the window, and what tools
// such as axe look for is right. With PAGE_PICTURES set to a directory, the
// pictures stay there.
func TestLooksOfThePage(t *testing.T) {
	ctx := browser(t)
	w := setup(t)
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	bad := watch(ctx, server.URL)
	for _, look := range []struct {
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
		t.Run(look.name, func(t *testing.T) {
			var picture []byte
			var wider bool
			var complaints []string
			var printed []byte
			err := chromedp.Run(ctx, log.Enable(), network.Enable(),
				emulation.SetDeviceMetricsOverride(look.width, look.height, 1, look.width < 500),
				emulation.SetEmulatedMedia().WithMedia(look.media).WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: look.scheme}}),
				chromedp.Navigate(server.URL+"/report.html"+look.query),
				chromedp.Evaluate(`document.documentElement.scrollWidth > innerWidth`, &wider),
				chromedp.Evaluate(accessible, &complaints),
				chromedp.FullScreenshot(&picture, 100),
				chromedp.ActionFunc(func(ctx context.Context) (err error) {
					printed, _, err = page.PrintToPDF().Do(ctx)
					return err
				}))
			if err != nil {
				t.Fatal(err)
			}
			if wider {
				t.Errorf("the page is wider than %d pixels", look.width)
			}
			for _, c := range complaints {
				t.Error(c)
			}
			if len(picture) < 10_000 || len(printed) < 10_000 {
				t.Errorf("a picture of %d and a print of %d bytes", len(picture), len(printed))
			}
			if dir := os.Getenv("PAGE_PICTURES"); dir != "" {
				for name, b := range map[string][]byte{".png": picture, ".pdf": printed} {
					if err := os.WriteFile(dir+"/"+look.name+name, b, 0o644); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	if complaints := bad(); len(complaints) > 0 {
		t.Errorf("the browser complains: %q", complaints)
	}
}

// accessible lists what somebody who does not see, or not well, would stumble
// over: WCAG 2.2 as far as a script can tell.
const accessible = `(() => {
  const bad = [];
  const visible = e => e.checkVisibility({visibilityProperty: true}) && !e.closest('[aria-hidden=true], .hidden, .skip');
  if (!document.documentElement.lang) bad.push('no language');
  if (!document.title) bad.push('no title');
  if (document.querySelectorAll('h1').length !== 1) bad.push('not one h1');
  for (const tag of ['header', 'main', 'footer']) if (document.querySelectorAll('body > ' + tag).length !== 1) bad.push('not one ' + tag);
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
    for (const id of (e.getAttribute('aria-labelledby') || '').split(' ').filter(Boolean)) if (!document.getElementById(id)) bad.push('no element ' + id);
  }
  for (const e of document.querySelectorAll('svg:not([role=img])')) if (!e.closest('[aria-hidden=true]')) bad.push('a picture that is neither named nor hidden');
  for (const th of document.querySelectorAll('th')) if (!th.scope) bad.push('a table header without scope');
  for (const table of document.querySelectorAll('table')) if (!table.caption) bad.push('a table without caption');
  for (const e of document.querySelectorAll('a, button, select, input:not([type=hidden])')) {
    const box = e.getBoundingClientRect();
    if (visible(e) && e.tagName !== 'A' && (box.height < 24 || box.width < 24)) bad.push('too small to hit: ' + e.outerHTML.slice(0, 80));
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

// Five thousand rows are sorted and narrowed like twenty.
func TestALongPageInABrowser(t *testing.T) {
	ctx := browser(t)
	w := setup(t)
	w.cloud.Nodes = nil
	for i := range 5000 {
		w.cloud.Nodes = append(w.cloud.Nodes, fakecloud.Node{
			NodeId: fmt.Sprintf("cpn-%04d", i), NodeName: fmt.Sprintf("farm %d", i), RegionId: []string{"cn-hangzhou", "cn-shanghai"}[i%2], Status: "RUNNING", PhoneCount: 25 + i%16,
			GmtCreate: fakecloud.Time(time.Now().AddDate(-1, 0, 0)), GmtExpired: fakecloud.Time(time.Now().Add(time.Duration(i%700+1) * time.Hour)),
		})
	}
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	var n int
	var sorting, filtering float64
	err := chromedp.Run(ctx, chromedp.Navigate(server.URL+"/report.html"), chromedp.Evaluate(`document.querySelectorAll('tbody tr').length`, &n),
		chromedp.Evaluate(`(() => { const t = performance.now(); document.querySelector('thead th:nth-child(5) button').click(); document.body.offsetHeight; return performance.now() - t })()`, &sorting),
		chromedp.Evaluate(`(() => { const t = performance.now(); const i = document.querySelector('#search input'); i.value = 'farm 49'; i.dispatchEvent(new Event('input')); document.body.offsetHeight; return performance.now() - t })()`, &filtering))
	if err != nil {
		t.Fatal(err)
	}
	if n != 5000 {
		t.Errorf("%d rows, want 5000", n)
	}
	t.Logf("sorting 5,000 rows took %.0f ms with layout, narrowing them %.0f ms", sorting, filtering)
}
