package handler_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"matrix-expiry-report/internal/npmtest"
	"matrix-expiry-report/report"
)

// A scenario is a page as a browser opens it.
type scenario struct {
	name string
	http.Handler
	path string // with the query, without lang
}

// scenarios returns pages of every kind.
func scenarios(t *testing.T) []scenario {
	many := func(n int) http.Handler {
		h := newHandler(fleet(n))
		h.Settings.Days, h.Settings.CriticalDays, h.Settings.WarningDays, h.Settings.OwnerTag = 30, 3, 7, "owner"
		h.Settings.ConsoleURL = "https://example.com/renew"
		return h
	}
	failing := func(read int) http.Handler {
		return newHandler(sourceFunc(func(ctx context.Context, _ []string) report.Listing {
			l := fleet(read)(ctx, nil)
			for i, code := range []string{"Forbidden.RAM", "Throttling.User"} {
				l.Problems = append(l.Problems, report.Problem{Endpoint: "eds-aic.cn-shanghai.aliyuncs.com", Region: []string{"eu-central-1", "us-east-1"}[i], Code: code, Message: "User not authorized to operate on the specified resource.", MayHideMatrices: true})
			}
			return l
		}))
	}
	usual, remembering := setup(t), remembering(t)
	return []scenario{
		{"nothing", many(0), "/report.html"},
		{"one", many(1), "/report.html"},
		{"usual", usual, "/report.html"},
		{"filtered", usual, "/report.html#severity=critical"},
		{"all", usual, "/report.html?all=1"},
		{"300", many(300), "/report.html"},
		{"5000", many(5000), "/report.html"},
		{"incomplete", failing(40), "/report.html"},
		{"failed", failing(0), "/report.html"},
		{"remembered", remembering, "/report.html"},
		{"history", remembering, "/history?since=" + time.Now().AddDate(0, 0, -30).Format(time.DateOnly)},
		{"short history", withHistory(t), "/history"},
		{"no history", usual, "/history"},
		{"error", usual, "/nowhere"},
	}
}

// fleet returns a source of n matrices that need attention, and some that do not.
func fleet(n int) sourceFunc {
	regions := []string{"cn-hangzhou", "cn-shanghai", "ap-southeast-1", "eu-central-1"}
	return func(context.Context, []string) report.Listing {
		now, l := time.Now(), report.Listing{Regions: regions}
		for i := range n + n/2 {
			m := &report.Matrix{
				NodeID: fmt.Sprintf("cpn-%x", 0x10000000000000+i*7919*104729), Name: fmt.Sprintf("prod-%s-%03d", regions[i*7%4][3:5], i),
				Region: regions[i*7%4], Status: report.StatusRunning, PhoneCount: 25 + i%15, ServerType: "cpm.gx8.16xlarge", InstanceType: "ac2.max",
				CreatedAt: report.Time{Time: now.AddDate(-1, 0, 0)}, ExpiresAt: report.Time{Time: now.Add(time.Minute * time.Duration(1+i*31*24*60/n))},
			}
			if i%3 > 0 {
				m.Tags = map[string]string{"owner": []string{"team-a", "直播组", "team-c, night"}[i%5%3]}
			}
			if i >= n {
				m.ExpiresAt.Time = now.AddDate(0, 2, i%300)
			} else if i%50 == 7 {
				m.Status, m.ExpiresAt.Time = report.StatusFailed, now.AddDate(1, 0, 0)
			}
			l.Matrices = append(l.Matrices, m)
		}
		l.Total = len(l.Matrices)
		return l
	}
}

// withLanguage returns the path of a scenario in a language.
func (s scenario) withLanguage(lang string) string {
	path, fragment, _ := strings.Cut(s.path, "#")
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	return path + separator + "lang=" + lang + "#" + fragment
}

// A device is a browser window.
type device struct {
	name, lang, scheme string
	width, height      int64
}

var devices = []device{
	{"desktop-light", "en", "light", 1280, 900},
	{"phone-dark", "zh", "dark", 390, 844},
	{"tablet-light", "en", "light", 1000, 900},
	{"desktop-dark", "zh", "dark", 1280, 900},
	{"phone-light", "en", "light", 390, 844},
}

// eachPage calls f for every kind of page on each of the devices. It fails the test
// if a page has errors or loads something of another server.
func eachPage(t *testing.T, devices []device, f func(b *tab, s scenario, d device)) {
	ctx := newTab(t)
	all := scenarios(t)
	var servers []string
	for i, s := range all {
		servers = append(servers, serve(t, s.Handler))
		all[i].path = servers[i] + s.path
	}
	errs := watch(ctx, servers...)
	for _, s := range all {
		for _, d := range devices {
			t.Run(s.name+"-"+d.name, func(t *testing.T) {
				b := &tab{t, ctx, "", nil}
				b.run(log.Enable(), network.Enable(), emulation.SetDeviceMetricsOverride(d.width, d.height, 1, d.width < 500),
					emulation.SetEmulatedMedia().WithMedia("screen").WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: d.scheme}}),
					chromedp.Navigate("about:blank"), chromedp.Navigate(s.withLanguage(d.lang)))
				f(b, s, d)
			})
		}
	}
	for _, e := range errs() {
		if !strings.Contains(e, "Failed to load resource: the server responded with a status of") { // of the errors and the failed listing
			t.Error(e)
		}
	}
}

// TestPageLayout checks that no page is wider than the window. If PAGE_PICTURES is a
// directory, it saves pictures of the pages there.
func TestPageLayout(t *testing.T) {
	tried := devices[1:3]
	if os.Getenv("PAGE_PICTURES") != "" {
		tried = devices
	}
	eachPage(t, tried, func(b *tab, s scenario, d device) {
		if eval[bool](b, `document.documentElement.scrollWidth > innerWidth`) {
			b.Errorf("the page is wider than %d pixels", d.width)
		}
		if !eval[bool](b, `[...document.querySelectorAll('.latest')].every(e => e.firstElementChild.getBoundingClientRect().right < e.getBoundingClientRect().right + 1)`) {
			b.Error("the newest days are out of sight")
		}
		if dir := os.Getenv("PAGE_PICTURES"); dir != "" {
			savePicture(b.T, b.ctx, filepath.Join(dir, "page-"+s.name+"-"+d.name+".png"))
		}
	})
}

// TestPageIsAccessible checks every kind of page with axe, all of its rules, in both
// colour schemes. Long tables have the same rows as short ones.
func TestPageIsAccessible(t *testing.T) {
	axe, err := os.ReadFile(filepath.Join(npmtest.Install(t, "axe-core@4.14.1"), "axe-core/axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	eachPage(t, devices[:2], func(b *tab, s scenario, _ device) {
		if slices.Contains([]string{"300", "5000", "all"}, s.name) {
			b.Skip("its rows are those of the other pages")
		}
		eval[int](b, string(axe)+"; 0")
		type violation struct {
			ID, Help string
			Nodes    []struct{ HTML, FailureSummary string }
		}
		for _, v := range eval[[]violation](b, `axe.run().then(r => r.violations)`) {
			b.Errorf("%s: %s: %d times, first %.200s: %s", v.ID, v.Help, len(v.Nodes), v.Nodes[0].HTML, v.Nodes[0].FailureSummary)
		}
	})
}

// savePicture saves a picture of the whole page, or of its first 6,000 pixels.
func savePicture(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	const everyRow = `document.querySelector('.long')?.classList.remove('long')` // also those out of sight
	err := chromedp.Run(ctx, chromedp.Evaluate(everyRow, nil), chromedp.ActionFunc(func(ctx context.Context) error {
		_, _, _, _, _, size, err := page.GetLayoutMetrics().Do(ctx)
		if err != nil {
			return err
		}
		picture, err := page.CaptureScreenshot().WithCaptureBeyondViewport(true).
			WithClip(&page.Viewport{Width: size.Width, Height: min(size.Height, 6000), Scale: 1}).Do(ctx)
		return errors.Join(err, os.WriteFile(name, picture, 0o644))
	}))
	if err != nil {
		t.Error(err)
	}
}

// TestPagePrints checks that a print has the header of the table on each of its
// pages, and nothing to click. Chromium repeats no header with a button in it.
func TestPagePrints(t *testing.T) {
	pdftotext, err := exec.LookPath("pdftotext")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("pdftotext is not installed")
		}
		t.Skip("no pdftotext: the print of the page is not tested (apt install poppler-utils)")
	}
	b := open(t, setup(t), "/report.html")
	if eval[bool](b, `document.querySelector('thead span').checkVisibility()`) {
		t.Error("the header of the print is on the screen")
	}
	file := filepath.Join(cmp.Or(os.Getenv("PAGE_PICTURES"), t.TempDir()), "page-print.pdf")
	b.run(chromedp.ActionFunc(func(ctx context.Context) error {
		pdf, _, err := page.PrintToPDF().Do(ctx)
		return errors.Join(err, os.WriteFile(file, pdf, 0o644))
	}))
	out, err := exec.CommandContext(t.Context(), pdftotext, "-layout", file, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	pages := strings.Split(strings.Trim(string(out), "\f"), "\f")
	header := regexp.MustCompile(`Severity +Matrix +Region +Reason +Expires +Phones +Owner`)
	for i, text := range pages {
		if !header.MatchString(text) && strings.Contains(text, "cpn-") {
			t.Errorf("page %d has rows without a header: %s", i+1, text)
		}
	}
	if len(pages) < 2 || strings.Count(string(out), "cpn-") != 23 {
		t.Errorf("%d pages with %d rows", len(pages), strings.Count(string(out), "cpn-"))
	}
	for _, text := range []string{"Copy", "Apply", "Show all", "CSV"} {
		if strings.Contains(string(out), text) {
			t.Errorf("%q is printed", text)
		}
	}
}

// explained matches the messages of the validator that stay: the style displays the
// table's rows as grids, which lose their roles in some browsers, so that the table
// has the roles as attributes, too.
var explained = regexp.MustCompile(`^The “role” attribute must not be used on a “(tr|th|td)” element which has a “table” ancestor|` +
	`^The “\w+” role is unnecessary for element “(table|thead|tbody|tr|th|td)”`)

// TestPageIsValid checks every kind of page with the validator of the W3C.
func TestPageIsValid(t *testing.T) {
	java, err := exec.LookPath("java")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("Java is not installed")
		}
		t.Skip("no Java: the page is not validated (apt install default-jre-headless)")
	}
	vnu := filepath.Join(npmtest.Install(t, "vnu-jar@26.9.27"), "vnu-jar/build/dist/vnu.jar")
	dir := t.TempDir()
	args := []string{"-jar", vnu, "--stdout", "--format", "json", "--exit-zero-always"}
	for _, s := range scenarios(t) {
		for _, lang := range []string{"en", "zh"} {
			path, _, _ := strings.Cut(s.withLanguage(lang), "#")
			req, rec := httptest.NewRequest("GET", path, nil), httptest.NewRecorder()
			req.Header.Set("Accept", browserAccept)
			s.ServeHTTP(rec, req)
			file := filepath.Join(dir, s.name+"-"+lang+".html")
			if err := os.WriteFile(file, rec.Body.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			args = append(args, file)
		}
	}
	out, err := exec.CommandContext(t.Context(), java, args...).Output()
	var result struct {
		Messages []struct{ Type, SubType, URL, Message, Extract string }
	}
	if err := errors.Join(err, json.Unmarshal(out, &result)); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, m := range result.Messages {
		if !explained.MatchString(m.Message) && !seen[m.Message] {
			seen[m.Message] = true
			t.Errorf("%s: %s %s: %s: %s", filepath.Base(m.URL), m.Type, m.SubType, m.Message, m.Extract)
		}
	}
}
