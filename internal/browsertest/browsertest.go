// Package browsertest starts a headless Chromium for tests of what people see.
package browsertest

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// Options returns how to start Chromium, or [exec.ErrNotFound] if it is not installed.
func Options() ([]chromedp.ExecAllocatorOption, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return append(chromedp.DefaultExecAllocatorOptions[:],
				chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-quic", true),
				chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-background-networking", true)), nil
		}
	}
	return nil, exec.ErrNotFound
}

// Start starts Chromium, with an empty page of the given size, and returns the
// context of its tab for chromedp.Run. It ends with the test. Without Chromium it
// skips the test; in CI it fails it.
func Start(t testing.TB, width, height int64) context.Context {
	t.Helper()
	options, err := Options()
	if err != nil {
		skip := t.Skip
		if os.Getenv("CI") != "" {
			skip = t.Fatal
		}
		skip("Chromium is not installed, so the test in a browser is skipped (apt install chromium)")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Run(ctx, chromedp.EmulateViewport(width, height)); err != nil {
		t.Fatal("starting Chromium: ", err)
	}
	return ctx
}
