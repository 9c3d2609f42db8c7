package report_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// browser returns the path of a Chromium.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("needs chromium: run scripts/install_chromium.sh")
	return ""
}

// browse runs the browser on a page, which it reads from a file, and returns what it prints.
func browse(t *testing.T, program, page string, args ...string) (stdout, stderr []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	// Its own processes may still write there when it has ended, which would fail the removal of t.TempDir.
	profile, err := os.MkdirTemp("", "gps-browser-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(profile) })
	cmd := exec.CommandContext(ctx, program, append([]string{"--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
		"--user-data-dir=" + profile, "--enable-logging=stderr"}, append(args, "file://"+page)...)...)
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	cmd.WaitDelay = time.Second // of its own processes that still hold the pipes
	if err := cmd.Run(); err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		t.Fatalf("%s: %v\n%s", cmd, err, log.Bytes())
	}
	return out.Bytes(), log.Bytes()
}

var (
	measured = regexp.MustCompile(`data-size="(\d+) (\d+) (\d+) (\d+) (\d+)"`)
	console  = regexp.MustCompile(`(?m)^.*CONSOLE.*$`)
)

// On a phone's width and a desktop's, in a light and a dark scheme, the page is not blank, has no
// errors and does not scroll sideways, and few pictures in a row are not small.
func TestBrowser(t *testing.T) {
	program := browser(t)
	page := write(t, train(t, "mdgps_arm2", "iterations=3", "samples=3"))
	dir := t.TempDir()
	path := filepath.Join(dir, "page.html")
	if err := os.WriteFile(path, page, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, width := range []int{390, 1280} {
		// A window is at least 500 pixels wide, so the page is measured in a frame.
		const measure = `<script>const d=document.documentElement;parent.document.documentElement.setAttribute("data-size",
d.clientWidth+" "+d.scrollWidth+" "+document.querySelectorAll("figure svg").length+" "+
[1,2].map(n=>Math.min(...[...document.querySelectorAll(".row")].filter(r=>r.clientWidth>0&&r.children.length===n).map(r=>Math.round(r.querySelector("svg").getBoundingClientRect().width)))).join(" "))</script></body>`
		inner := bytes.Replace(page, []byte("</body>"), []byte(measure), 1)
		frame := filepath.Join(dir, "frame.html")
		outer := fmt.Sprintf(`<!DOCTYPE html><html><body><iframe style="width:%dpx;height:800px;border:0" srcdoc="%s"></iframe></body></html>`, width, html.EscapeString(string(inner)))
		if err := os.WriteFile(frame, []byte(outer), 0o644); err != nil {
			t.Fatal(err)
		}
		out, log := browse(t, program, frame, "--window-size=1400,900", "--virtual-time-budget=5000", "--dump-dom")
		m := measured.FindSubmatch(out)
		if m == nil {
			t.Fatalf("width %d: the page did not say its size\n%s", width, log)
		}
		if want := fmt.Sprint(width); string(m[1]) != want || string(m[2]) != want {
			t.Errorf("width %d: the page is %s pixels wide and scrolls over %s", width, m[1], m[2])
		}
		least, most := 300, 390
		if width == 1280 {
			least, most = 500, 1280*2/3
		}
		for i, what := range []string{"a row of one", "rows of two"} {
			if wide, err := strconv.Atoi(string(m[4+i])); err != nil || wide < least || wide > most {
				t.Errorf("width %d: pictures in %s are %s pixels wide, want %d to %d", width, what, m[4+i], least, most)
			}
		}
		if line := console.Find(log); line != nil {
			t.Errorf("width %d: %s", width, line)
		}
		for scheme, args := range map[string][]string{"light": nil, "dark": {"--force-dark-mode"}} {
			shot := filepath.Join(dir, "shot.png")
			browse(t, program, path, append(args, fmt.Sprintf("--window-size=%d,3000", width), "--screenshot="+shot)...)
			looksDrawn(t, fmt.Sprintf("%d pixels, %s", width, scheme), shot, scheme == "dark")
		}
	}
}

// looksDrawn checks that a screenshot has a ground of its scheme, and much that differs from it.
func looksDrawn(t *testing.T, name, path string, dark bool) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	at := func(x, y int) int { r, g, b, _ := m.At(x, y).RGBA(); return int(r+g+b) / 3 >> 8 }
	ground := at(1, 1)
	if (ground < 128) != dark {
		t.Errorf("%s: the ground has lightness %d of 255", name, ground)
	}
	b := m.Bounds()
	blank := 0
	for y := 0; y < b.Max.Y; y += 250 {
		if !varied(m, image.Rect(0, y, b.Max.X, min(y+250, b.Max.Y))) {
			blank++
		}
	}
	if blank > 0 {
		t.Errorf("%s: %d stripes of 250 rows of the first 3000 are blank", name, blank)
	}
}

// varied tells whether an area has more than a few colours.
func varied(m image.Image, area image.Rectangle) bool {
	seen := map[any]bool{}
	for y := area.Min.Y; y < area.Max.Y; y += 2 {
		for x := area.Min.X; x < area.Max.X; x += 2 {
			seen[m.At(x, y)] = true
		}
	}
	return len(seen) > 5
}
