package handler_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"

	"matrix-expiry-report/report"
)

// TestFiltersInFragment filters by the form, by bars, by a column and by text. The
// address keeps its query, and the title, the bars and the links follow.
func TestFiltersInFragment(t *testing.T) {
	w := setup(t)
	all := w.get(t, "/report")
	count := func(keep func(report.Finding) bool) int { return len(all.Filter(keep).Findings) }
	b := open(t, w, "/report.html?days=30")
	title := eval[string](b, `document.title`)
	state := func(rows int, fragment, text string) {
		t.Helper()
		if n := len(b.rows()); n != rows {
			t.Errorf("%s: %d rows, want %d", fragment, n, rows)
		}
		if u := eval[string](b, `location.href`); u != b.url+"/report.html?days=30"+fragment {
			t.Errorf("the address is %s, want the fragment %s", u, fragment)
		}
		want := title
		if text != "" {
			want = fmt.Sprintf("%s: %d of %d shown", text, rows, len(all.Findings))
		}
		if got := eval[string](b, `document.title`); got != want || eval[string](b, `document.querySelector('h1').innerText`) != want {
			t.Errorf("%s: the title is %q, want %q", fragment, got, want)
		}
	}
	isNotice := func(f report.Finding) bool { return f.Severity == report.Notice }
	notices := count(isNotice)
	state(len(all.Findings), "", "")
	b.choose("select[name=severity]", "notice")
	state(notices, "#severity=notice", "notice")

	// Bars and columns count what is left.
	expiring := count(func(f report.Finding) bool { return isNotice(f) && f.Reason == report.Expiring })
	if got := eval[string](b, `document.querySelector('[data-filter="reason=expiring"] b').textContent`); got != fmt.Sprint(expiring) {
		t.Errorf("the bar counts %s, want %d", got, expiring)
	}
	if got := eval[int](b, `[...document.querySelectorAll('#columns a text:first-of-type')].reduce((sum, e) => sum + Number(e.textContent), 0)`); got != expiring {
		t.Errorf("the columns count %d, want %d", got, expiring)
	}
	for selector, want := range map[string]string{
		`header a[hreflang=zh]`:    "#severity=notice",
		`#matrices a`:              "#severity=notice",
		`#formats a:first-of-type`: "/report.csv?days=30&severity=notice",
	} {
		if href := eval[string](b, `document.querySelector('`+selector+`').href`); !strings.HasSuffix(href, want) {
			t.Errorf("the link %s leads to %s, want %s", selector, href, want)
		}
	}

	// A bar adds a filter, and removes it when clicked again.
	region := all.Filter(isNotice).Findings[0].Region
	bar := fmt.Sprintf(`#regions + ul a[data-filter="region=%s"]`, region)
	b.run(chromedp.Click(bar))
	inRegion := count(func(f report.Finding) bool { return isNotice(f) && f.Region == region })
	state(inRegion, "#severity=notice&region="+region, "notice, "+region)
	b.run(chromedp.Click(bar))
	state(notices, "#severity=notice", "notice")
	b.run(chromedp.Click("#clear"))
	state(len(all.Findings), "", "")

	// A column leads to its day.
	day := all.Filter(isNotice).Findings[0].LastDay
	label := eval[string](b, fmt.Sprintf(`document.querySelector('[data-filter="day=%s"]').dataset.label`, day))
	b.run(chromedp.Click(fmt.Sprintf(`#columns a[data-filter="day=%s"]`, day)))
	state(count(func(f report.Finding) bool { return f.LastDay == day && f.Reason != report.Expired }), "#day="+day.String(), label)
	if text := eval[string](b, `document.querySelector('#formats').innerText`); !strings.Contains(text, "without these filters") {
		t.Errorf("the other formats, which have every day, are announced as %q", text)
	}

	// Going back restores what was chosen before, and a text is part of the address.
	b.run(chromedp.NavigateBack())
	state(len(all.Findings), "", "")
	id := all.Findings[3].NodeID
	b.run(chromedp.SendKeys(`#search input`, id))
	state(1, "#find="+id, id)
	b.run(chromedp.Navigate(b.url+"/report.html?lang=en"), chromedp.Navigate(b.url+"/report.html?days=30#severity=notice&find="+all.Filter(isNotice).Findings[0].NodeID))
	state(1, "#severity=notice&find="+all.Filter(isNotice).Findings[0].NodeID, "notice, "+all.Filter(isNotice).Findings[0].NodeID)
	if b.run(chromedp.Navigate(b.url + "/report.html?days=30#owner=nobody%3Cimg%20src=x%3E")); len(b.rows()) != 0 {
		t.Errorf("an unknown owner has %d rows", len(b.rows()))
	}
	if eval[int](b, `document.querySelectorAll('img').length`) != 0 {
		t.Error("the fragment is taken for HTML")
	}
}

// TestFiltersOfManyRows checks that the server filters a table of several parts,
// also if the fragment of an old address has the filter.
func TestFiltersOfManyRows(t *testing.T) {
	h := newHandler(expiring(1200, 6*time.Minute))
	h.Settings.Days, h.Settings.CriticalDays = 5, 5
	b := open(t, h, "/report.html")
	located := func(want string) {
		t.Helper()
		b.run(chromedp.WaitReady(`option[value=`+want+`][selected]`, chromedp.ByQuery))
		if u, err := url.Parse(eval[string](b, `location.href`)); err != nil || u.Query().Get("severity") != want || u.Fragment != "" {
			t.Errorf("the address is %s, %v", u, err)
		}
	}
	b.choose("select[name=severity]", "critical")
	located("critical")
	b.run(chromedp.Navigate(b.url + "/report.html#severity=warning"))
	located("warning")
	if text := eval[string](b, `document.querySelector('.empty').innerText`); !strings.Contains(text, "but others do") {
		t.Errorf("the page has %q", text)
	}
	b.run(chromedp.Click("#clear", chromedp.ByQuery), chromedp.WaitReady("nav[aria-label=Pages]", chromedp.ByQuery))
	if n := len(b.rows()); n != 500 {
		t.Errorf("without filters the page has %d rows", n)
	}
	b.run(chromedp.Click(`#columns a:last-of-type`, chromedp.ByQuery), chromedp.WaitReady(`//nav/b[text()!="1"]`))
	days := eval[[]string](b, `[...new Set([...document.querySelectorAll('tbody tr:not([hidden])')].map(tr => '#day=' + tr.dataset.day))]`)
	if day := eval[string](b, `location.hash`); !slices.Equal(days, []string{day}) {
		t.Errorf("the column leads to %s with the days %q", day, days)
	}
}

// signedPage returns the path and query of a signed link to the page.
func signedPage(t *testing.T, w *world, query string) string {
	t.Helper()
	var link struct{ URL string }
	if err := json.Unmarshal(w.do("GET", "/link?format=html&"+query, bearer...).Body.Bytes(), &link); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(link.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u.RequestURI()
}

// TestSignedPageInBrowser checks that a signed address stays valid while it is
// filtered, and that every link of its page opens.
func TestSignedPageInBrowser(t *testing.T) {
	w := setup(t, withToken...)
	path := signedPage(t, w, "")
	b := open(t, w, path)
	b.choose("select[name=severity]", "critical")
	if u := eval[string](b, `location.href`); u != b.url+path+"#severity=critical" {
		t.Errorf("the address is %s", u)
	}
	n := len(b.rows())
	b.run(chromedp.Reload(), chromedp.WaitReady("#shown"))
	if again := len(b.rows()); n == 0 || again != n || !slices.Equal(slices.Compact(b.column(0)), []string{"critical"}) {
		t.Errorf("%d rows, %d after a reload: %q", n, again, b.column(0))
	}
	links := eval[[]string](b, `[...document.querySelectorAll('a[href]')].map(a => new URL(a.getAttribute('href'), location).href).filter(u => u.startsWith(location.origin))`)
	for _, link := range links {
		target, _, _ := strings.Cut(strings.TrimPrefix(link, b.url), "#")
		if rec := w.do("GET", target); rec.Code != 200 {
			t.Errorf("%s: %d", link, rec.Code)
		}
	}
	if len(links) < 15 {
		t.Errorf("only %d links: %q", len(links), links)
	}
}

// TestServedAddressesOpen opens what the command serve prints: a signed link, and the
// address with a password.
func TestServedAddressesOpen(t *testing.T) {
	w := setup(t, withToken...)
	b := open(t, w, "/healthz")
	site, err := url.Parse(b.url)
	if err != nil {
		t.Fatal(err)
	}
	withPassword := *site
	withPassword.User, withPassword.Path = url.UserPassword("anyone", testToken), "/"
	for _, address := range []string{w.SignedLink(site), withPassword.String()} {
		b.run(chromedp.Navigate("about:blank"), chromedp.Navigate(address))
		if n, kind := len(b.rows()), eval[string](b, `document.contentType`); n != 23 || kind != "text/html" {
			t.Errorf("%s is %s with %d rows", address, kind, n)
		}
	}
}

// TestCopyID copies the id of a row, with and without the permission for the
// clipboard. Without it, the id is selected.
func TestCopyID(t *testing.T) {
	w := setup(t)
	b := open(t, w, "/report.html")
	id := w.get(t, "/report").Findings[0].NodeID
	for _, permission := range []browser.PermissionSetting{browser.PermissionSettingGranted, browser.PermissionSettingDenied} {
		b.run(browser.SetPermission(&browser.PermissionDescriptor{Name: "clipboard-write"}, permission).WithOrigin(b.url),
			browser.SetPermission(&browser.PermissionDescriptor{Name: "clipboard-read"}, browser.PermissionSettingGranted).WithOrigin(b.url),
			chromedp.Navigate(b.url+"/report.html?lang=en"), chromedp.Navigate(b.url+"/report.html"))
		button := fmt.Sprintf(`button[aria-label="Copy %s"]`, id)
		b.run(chromedp.Click(button), chromedp.Poll(`document.querySelector('`+button+`').innerText !== 'Copy'`, nil))
		want := map[browser.PermissionSetting]string{browser.PermissionSettingGranted: "Copied", browser.PermissionSettingDenied: "Selected"}[permission]
		if text := eval[string](b, `document.querySelector('`+button+`').innerText`); text != want {
			t.Errorf("%s: the button has %q, want %q", permission, text, want)
		}
		if selected := eval[string](b, `getSelection().toString()`); selected != id {
			t.Errorf("%s: %q is selected, want %s", permission, selected, id)
		}
		if status := eval[string](b, `document.querySelector('#copied').textContent`); status != want+": "+id {
			t.Errorf("%s: screen readers get %q", permission, status)
		}
	}
}

// TestAgeCountsUp checks that the age of the data grows, and that an old page can
// be reloaded.
func TestAgeCountsUp(t *testing.T) {
	w := setup(t, "CACHE_SECONDS=3600")
	start := time.Now()
	var passed atomic.Int64
	w.Now = func() time.Time { return start.Add(time.Duration(passed.Load())) }
	w.do("GET", "/report")
	passed.Store(int64(90 * time.Second))
	b := open(t, w, "/report.html")
	at := func(passed, text string, reload bool) {
		t.Helper()
		eval[int](b, `{ const real = Date.now; Date.now = () => real() + `+passed+`; document.dispatchEvent(new Event('visibilitychange')); Date.now = real; 0 }`)
		if got := eval[string](b, `document.querySelector('#age').textContent`); got != " · read "+text {
			t.Errorf("after %s ms: %q, want %q", passed, got, text)
		}
		if got := eval[bool](b, `document.querySelector('#reload').checkVisibility()`); got != reload {
			t.Errorf("after %s ms: a reload is offered: %t", passed, got)
		}
	}
	at("0", "1 minute ago", false)
	at("120e3", "3 minutes ago", false)
	at("600e3", "11 minutes ago", true)
	at("2 * 86400e3", "2 days ago", true)
	passed.Store(int64(2 * time.Hour))
	b.run(chromedp.Click("#reload", chromedp.ByQuery), chromedp.WaitReady(`#age[data-age="0"]`, chromedp.ByQuery))
}
