package report_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"guidedpolicysearch/node/report"
)

// tasks are small runs of every algorithm and update.
var tasks = []struct {
	name, params string
	set          []string
	policy       bool
}{
	{"trajopt", "planar_arm", []string{"iterations=4"}, false},
	{"mdgps", "mdgps_arm2", []string{"iterations=3", "samples=3"}, true},
	{"badmm", "badmm_arm2", []string{"iterations=2", "samples=3"}, true},
	{"constrained", "constrained_arm2", []string{"iterations=2", "samples=3"}, true},
	{"lagrangian", "badmm_arm2", []string{"iterations=2", "samples=3", "algorithm.type=lagrangian"}, true},
	{"pilqr", "pilqr_door", []string{"iterations=2"}, false},
	{"pi2", "planar_arm", []string{"iterations=2", "algorithm.update=pi2"}, false},
}

func TestEveryPartOfEveryAlgorithm(t *testing.T) {
	for _, task := range tasks {
		t.Run(task.name, func(t *testing.T) {
			dir := train(t, task.params, task.set...)
			r := open(t, dir)
			if len(r.Problems) > 0 {
				t.Errorf("problems of a whole run: %v", r.Problems)
			}
			p := report.Make(r)
			for _, q := range p.Parts {
				if len(q.Shown) == 0 && len(q.Tables) == 0 && q.Missing == "" {
					t.Errorf("part %s shows nothing and does not say why", q.ID)
				}
			}
			for _, id := range []string{"learning", "joints", "torques", "gains", "step", "timing"} {
				if len(part(t, p, id).Shown) == 0 {
					t.Errorf("part %s has no picture: %s", id, part(t, p, id).Missing)
				}
			}
			if got := len(part(t, p, "policy").Shown) > 0; got != task.policy {
				t.Errorf("pictures of a policy: %v, want %v: %s", got, task.policy, part(t, p, "policy").Missing)
			}
			if task.name != "pi2" {
				for _, id := range []string{"dynamics", "clusters"} {
					if len(part(t, p, id).Shown) == 0 {
						t.Errorf("part %s has no picture: %s", id, part(t, p, id).Missing)
					}
				}
			}
			for _, picture := range p.Pictures() {
				if len(picture.SVG) == 0 || picture.Alternative == "" || picture.Chart.Title == "" {
					t.Errorf("picture %s has an SVG of %d bytes, title %q and text %q", picture.ID, len(picture.SVG), picture.Chart.Title, picture.Alternative)
				}
			}
			check(t, write(t, dir))
		})
	}
}

// pixels are those of images, whose encoding may spell anything.
var pixels = regexp.MustCompile(`data:image/png;base64,[^"]*`)

// check reads a page as XML, which is stricter than HTML, and looks for what it must not have.
func check(t *testing.T, page []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(page))
	ids, links := map[string]bool{}, []string{}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("at byte %d: %v", d.InputOffset(), err)
		}
		e, is := token.(xml.StartElement)
		if !is {
			continue
		}
		if e.Name.Local == "script" || e.Name.Local == "iframe" {
			t.Errorf("the page has a %s", e.Name.Local)
		}
		labelled := e.Name.Local != "svg"
		for _, a := range e.Attr {
			switch a.Name.Local {
			case "id":
				if ids[a.Value] {
					t.Errorf("id %q is there twice", a.Value)
				}
				ids[a.Value] = true
			case "href", "src":
				if !strings.HasPrefix(a.Value, "#") && !strings.HasPrefix(a.Value, "data:") {
					t.Errorf("%s refers to %q, which is outside of the page", e.Name.Local, a.Value)
				}
				if strings.HasPrefix(a.Value, "#") {
					links = append(links, a.Value[1:])
				}
			case "aria-label":
				labelled = a.Value != ""
			}
		}
		if !labelled {
			t.Error("an svg has no text alternative")
		}
	}
	for _, link := range links {
		if !ids[link] {
			t.Errorf("link to %q, which is not there", link)
		}
	}
	page = pixels.ReplaceAll(page, nil)
	if bytes.Contains(page, []byte("url(")) || bytes.Contains(page, []byte("@import")) || bytes.Contains(page, []byte("NaN")) {
		t.Error("the page refers to another file, or has a NaN")
	}
	if bytes.Contains(page, []byte("#1F5FA8\"")) || bytes.Contains(page, []byte("stroke:#")) {
		t.Error("a picture has a colour of the light scheme only")
	}
}

func TestSameBytes(t *testing.T) {
	dir := train(t, "mdgps_arm2", "iterations=3", "samples=3")
	first := write(t, dir)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for range 3 {
		if !bytes.Equal(write(t, dir), first) {
			t.Fatal("one run gives two pages")
		}
	}
}

func TestSave(t *testing.T) {
	p := report.Make(open(t, train(t, "planar_arm", "iterations=4")))
	dir := t.TempDir()
	path := filepath.Join(dir, "page.html")
	n, err := p.Save(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() != int64(n) {
		t.Errorf("file is %v (%v), want %d bytes", info, err, n)
	}
	paths, err := p.SavePictures(t.Context(), filepath.Join(dir, "page"))
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) != len(p.Pictures()) {
		t.Errorf("%d files for %d pictures", len(paths), len(p.Pictures()))
	}
	for _, path := range paths {
		if data, err := os.ReadFile(path); err != nil || !bytes.HasPrefix(data, []byte("\x89PNG")) {
			t.Errorf("%s is no PNG file (%v)", path, err)
		}
	}
	if _, err := p.Save(filepath.Join(dir, "none", "page.html")); !errors.Is(err, report.ErrNoPage) {
		t.Errorf("saved in a folder that is not there: %v", err)
	}
}

// Text from a run folder is text on the page, whatever it holds.
func TestEscapes(t *testing.T) {
	dir := copyRun(t, train(t, "planar_arm", "iterations=4"))
	evil := filepath.Join(filepath.Dir(dir), `<script>alert("1")&`)
	if err := os.Rename(dir, evil); err != nil {
		t.Fatal(err)
	}
	check(t, write(t, evil))
}

// BenchmarkReport reads and draws a run of 50 iterations.
func BenchmarkReport(b *testing.B) {
	dir := train(b, "planar_arm", "iterations=50")
	for b.Loop() {
		write(b, dir)
	}
}

func TestLongRunIsBounded(t *testing.T) {
	dir := train(t, "planar_arm", "iterations=4")
	limits := report.DefaultLimits()
	limits.Iterations, limits.Trials = 2, 3
	r, err := report.Open(t.Context(), dir, limits, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Snapshots) != 2 || r.Snapshots[0].Iteration != 1 || r.Snapshots[1].Iteration != 4 || len(r.Reports) != 4 {
		t.Fatalf("%d snapshots and %d reports, want the first and the last of 4, and 4", len(r.Snapshots), len(r.Reports))
	}
	if n := len(r.Snapshots[0].Trials[0]); n != 3 {
		t.Errorf("%d trials were read, want 3", n)
	}
	if p := report.Make(r); !strings.Contains(p.Summary.Note, "2 of the 4 iterations") {
		t.Errorf("the page says %q of what it leaves out", p.Summary.Note)
	}
}

// A page replaces a page, and nothing else.
func TestSaveReplacesPagesOnly(t *testing.T) {
	p := report.Make(open(t, train(t, "planar_arm", "iterations=1", "samples=2")))
	dir := t.TempDir()
	path := filepath.Join(dir, "page.html")
	for range 2 {
		if _, err := p.Save(path); err != nil {
			t.Fatal(err)
		}
	}
	for name, content := range map[string]string{"params.yaml": "/node:\n  ros__parameters: {seed: 1}\n", "short": "<"} {
		other := filepath.Join(dir, name)
		if err := os.WriteFile(other, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Save(other); !errors.Is(err, report.ErrNoPage) {
			t.Errorf("%s: %v", name, err)
		}
		if left, err := os.ReadFile(other); err != nil || string(left) != content {
			t.Errorf("%s holds %q now, %v", name, left, err)
		}
	}
}
