package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	cdplog "github.com/chromedp/cdproto/log"
)

// demandBrowser is set where pages must be tested: without a browser tests then
// fail instead of being skipped.
const demandBrowser = "REPLTAP_TEST_BROWSER"

// findBrowser finds Chromium.
func findBrowser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome", "headless-shell"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv(demandBrowser) != "" {
		t.Fatal("Chromium is missing, and " + demandBrowser + " demands it; on Debian: apt-get install chromium")
	}
	t.Skip("Chromium is missing, so pages are not looked at; on Debian: apt-get install chromium")
	return ""
}

// browser is a Chromium that can't reach anything.
type browser struct {
	ctx context.Context

	mu    sync.Mutex
	heard []string // what a page asked for, said or failed at
}

// openBrowser starts one, which ends with the test.
func openBrowser(t *testing.T) *browser {
	t.Helper()
	path := findBrowser(t)
	dir, err := os.MkdirTemp("", "repltap-browser")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.UserDataDir(dir), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		// Nothing is there to be reached: names are not known, and the proxy is a
		// port that nobody has.
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND"), chromedp.ProxyServer("127.0.0.1:9"),
		chromedp.WindowSize(1280, 1000),
	}
	for _, off := range []string{"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync", "disable-extensions", "disable-default-apps"} {
		options = append(options, chromedp.Flag(off, true))
	}
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	b := &browser{}
	b.ctx, cancel = chromedp.NewContext(ctx, chromedp.WithListener(b.listen))
	t.Cleanup(cancel)
	b.do(t, chromedp.Navigate("about:blank"))
	call(t, b, network.Enable, network.EnableParams{})
	call(t, b, cdplog.Enable, cdp.Empty{})
	return b
}

// listen notes all that a page which is whole in itself does not do.
func (b *browser) listen(event any) {
	note := ""
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if u := e.Request.URL; !strings.HasPrefix(u, "data:") && !(e.Type == network.ResourceTypeDocument && (strings.HasPrefix(u, "file://") || u == "about:blank")) {
			note = "request for " + u
		}
	case *runtime.EventConsoleAPICalled:
		note = "console." + string(e.Type)
	case *runtime.EventExceptionThrown:
		note = "exception: " + e.ExceptionDetails.Text
	case *cdplog.EventEntryAdded:
		note = string(e.Entry.Level) + ": " + e.Entry.Text
	case *page.EventJavascriptDialogOpening:
		note = "dialog: " + e.Message
	}
	if note != "" {
		b.mu.Lock()
		b.heard = append(b.heard, note)
		b.mu.Unlock()
	}
}

// open opens a page of a file.
func (b *browser) open(t *testing.T, file string) {
	t.Helper()
	path, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	b.do(t, chromedp.Navigate("file://"+path))
}

// quiet fails the test if there was anything to note.
func (b *browser) quiet(t *testing.T) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, note := range b.heard {
		t.Error("the page is not quiet: " + note)
	}
	b.heard = nil
}

func (b *browser) do(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// screen sets how wide the window is, and whether the light is off.
func (b *browser) screen(t *testing.T, width int64, scheme string) {
	t.Helper()
	call(t, b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 1000, DeviceScaleFactor: 1, Mobile: width < 600})
	call(t, b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
}

// settle waits until what was scrolled stands still and has been told so.
func (b *browser) settle(t *testing.T) {
	t.Helper()
	const frames = `new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))`
	if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](frames, chromedp.EvalAwaitPromise)); err != nil {
		t.Fatal(err)
	}
}

// eval is what an expression in the page comes to.
func eval[T any](t *testing.T, b *browser, expression string) T {
	t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("%s\n%v", expression, err)
	}
	return v
}

// call runs a command of the browser's protocol.
func call[P, R any](t *testing.T, b *browser, command cdp.Command[P, R], params P) {
	t.Helper()
	if _, err := chromedp.Call(b.ctx, command, params); err != nil {
		t.Fatal(err)
	}
}

// contrast is how well a colour can be told from another, as WCAG has it.
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	light := func(colour string) float64 {
		var c [3]int
		if _, err := fmt.Sscanf(colour, "rgb(%d, %d, %d)", &c[0], &c[1], &c[2]); err != nil {
			t.Fatalf("%q is no colour", colour)
		}
		var out float64
		for i, weight := range []float64{.2126, .7152, .0722} {
			v := float64(c[i]) / 255
			if v <= .03928 {
				v /= 12.92
			} else {
				v = math.Pow((v+.055)/1.055, 2.4)
			}
			out += weight * v
		}
		return out
	}
	x, y := light(a), light(b)
	return (max(x, y) + .05) / (min(x, y) + .05)
}
