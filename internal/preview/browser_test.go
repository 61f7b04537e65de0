package preview

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/chromedp/chromedp"

	"matrix-expiry-report/internal/browsertest"
)

// The page is not wider than a phone, and each message is drawn.
func TestPageFitsPhone(t *testing.T) {
	all := messages(t)
	page := pageOf(t, all)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(page))
	}))
	t.Cleanup(server.Close)
	const phone = 360
	browser := browsertest.Start(t, phone, 800)
	var width, drawn int
	if err := chromedp.Run(browser, chromedp.Navigate(server.URL),
		chromedp.Evaluate("Math.max(document.documentElement.scrollWidth, ...[...document.querySelectorAll('article')].map(a => a.scrollWidth))", &width),
		chromedp.Evaluate("[...document.querySelectorAll('article')].filter(a => a.innerText.length > 100 && a.offsetWidth > 300).length", &drawn),
	); err != nil {
		t.Fatal(err)
	}
	if width > phone || drawn != len(all) {
		t.Errorf("the page is %d pixels wide, want at most %d; %d messages are drawn, want %d", width, phone, drawn, len(all))
	}
}
