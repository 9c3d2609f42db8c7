package report

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"guidedpolicysearch/node/console"
	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/plots"
	"guidedpolicysearch/node/record"
)

//go:embed page.html.tmpl
var files embed.FS

// Page is a report of a run.
type Page struct {
	// Title is the name of the run folder.
	Title   string
	Summary *Summary
	Parts   []*Part
	// Problems are what was left out.
	Problems []Problem
}

// Make computes the parts of a run's page. It uses all processors; the parts do not depend on that.
func Make(r *Run) *Page {
	makers := []func() *Part{r.learningPart, r.termsPart, r.pathsPart, r.jointsPart, r.torquesPart, r.gainsPart, r.stepPart, r.improvementPart,
		r.dynamicsPart, r.clustersPart, r.policyPart, r.timingPart, r.ticksPart, r.faultsPart}
	p := &Page{Title: name(r.Dir), Parts: make([]*Part, len(makers)), Problems: r.Problems}
	work := make(chan int)
	var wait sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for i := range work {
				p.Parts[i] = makers[i]()
			}
		}()
	}
	for i := range makers {
		work <- i
	}
	close(work)
	wait.Wait()
	p.Summary = r.summary()
	return p
}

// name returns the folder's name, also of one that is given as a dot.
func name(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		return filepath.Base(abs)
	}
	return filepath.Base(dir)
}

// Pictures returns the pictures of all parts that have something to show.
func (p *Page) Pictures() []*Picture {
	var list []*Picture
	for _, part := range p.Parts {
		list = append(list, part.Shown...)
	}
	return list
}

var page = template.Must(template.New("page.html.tmpl").Funcs(template.FuncMap{
	"svg":      func(p *Picture) template.HTML { return template.HTML(p.SVG) },
	"style":    func() template.CSS { return template.CSS(plots.StyleSheet()) },
	"gradient": func() template.CSS { return template.CSS("background:" + plots.HeatGradient()) },
	"legend":   func(p *Picture) []plots.LegendEntry { return p.Chart.Legend() },
	"mark":     mark,
	"columns":  columns,
}).ParseFS(files, "page.html.tmpl"))

// mark returns what stands before a name in a legend.
func mark(e plots.LegendEntry) template.HTML {
	tone := e.Tone.Class()
	switch {
	case e.Mark == plots.Cross:
		return template.HTML(fmt.Sprintf(`<b style="color:var(--%s)">×</b>`, tone))
	case e.Mark == plots.Dot:
		return template.HTML(fmt.Sprintf(`<i class="dot" style="background:var(--%s)"></i>`, tone))
	case e.Area > 0:
		return template.HTML(fmt.Sprintf(`<i style="height:.7em;opacity:%.2f;background:var(--%s)"></i>`, e.Area, tone))
	}
	kind, width := "solid", 3
	if e.Dashed {
		kind = "dashed"
	}
	if e.Strong {
		width = 5
	}
	return template.HTML(fmt.Sprintf(`<i style="border-top:%dpx %s var(--%s)"></i>`, width, kind, tone))
}

// columns returns the class of a row whose pictures would leave most of a wide page empty in the usual
// three columns.
func columns(g *Group) string {
	switch len(g.Pictures) {
	case 1:
		return " one"
	case 2, 4:
		return " two"
	}
	return ""
}

// Write writes the page as HTML.
func (p *Page) Write(w io.Writer) error {
	if err := page.Execute(w, p); err != nil {
		return fmt.Errorf("%w: %w", ErrNoPage, err)
	}
	return nil
}

// Save writes the page to a file, which appears whole or not at all, and returns its size in bytes.
func (p *Page) Save(path string) (int, error) {
	if err := replaceable(path); err != nil {
		return 0, err
	}
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		return 0, err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".report-*.tmp")
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrNoPage, err)
	}
	_, err = f.Write(b.Bytes())
	if e := f.Chmod(0o644); err == nil {
		err = e
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return 0, fmt.Errorf("%w: %s: %w", ErrNoPage, path, err)
	}
	return b.Len(), nil
}

// SavePictures writes the pictures as PNG files to a folder, which it makes, and returns their paths.
func (p *Page) SavePictures(ctx context.Context, dir string) ([]string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoPage, err)
	}
	pictures := p.Pictures()
	paths, errs := make([]string, len(pictures)), make([]error, len(pictures))
	work := make(chan int)
	var wait sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for i := range work {
				paths[i] = filepath.Join(dir, pictures[i].ID+".png")
				errs[i] = pictures[i].Chart.Save(paths[i])
			}
		}()
	}
	for i := range pictures {
		if ctx.Err() == nil {
			work <- i
		}
	}
	close(work)
	wait.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return paths, nil
}

// Fact is a line of the summary.
type Fact struct{ Name, Value string }

// replaceable returns an error if there is something other than a page at a path.
func replaceable(path string) error {
	if info, err := os.Stat(path); err != nil {
		return nil // writing tells what is wrong
	} else if !info.Mode().IsRegular() {
		return fmt.Errorf("%w: %s is no file: name another", ErrNoPage, path)
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoPage, err)
	}
	defer f.Close()
	begin := make([]byte, len(doctype))
	if n, err := io.ReadFull(f, begin); n > 0 && (err != nil || !strings.EqualFold(string(begin), doctype)) {
		return fmt.Errorf("%w: %s holds something that is no page: name another file", ErrNoPage, path)
	}
	return nil
}

// doctype is what a page begins with.
const doctype = "<!DOCTYPE html>"

// Summary is what a reader wants to know first.
type Summary struct {
	Facts []Fact
	// Commands say how to go on, with what each is for.
	Commands []Fact
	// Note says what of a long run is looked at closely.
	Note string
}

// summary sums the run up.
func (r *Run) summary() *Summary {
	s := new(Summary)
	add := func(name, format string, args ...any) {
		s.Facts = append(s.Facts, Fact{name, fmt.Sprintf(format, args...)})
	}
	if t := r.Task; t != nil {
		add("task", "%d joints (%s), trials of %d steps of %v s", len(t.RobotConfig.Joints), strings.Join(t.RobotConfig.Joints, ", "), t.Steps, t.DT)
		if t.Mode == "run" {
			add("mode", "runs the policy %s", t.Run.File)
		} else {
			add("algorithm", "%s, update %s", t.Algorithm.Type, t.Algorithm.Update)
		}
		add("seed", "%d", t.Seed)
	}
	trials := 0
	for _, q := range r.Reports {
		trials += len(q.SampleCosts)
	}
	if n := len(r.Reports); n > 0 {
		first, last := r.Reports[0], r.Reports[n-1]
		of := ""
		if last.Iterations > 0 {
			of = fmt.Sprintf(" of %d", last.Iterations)
		}
		add("iterations", "%d%s", last.Iteration, of)
		add("trials", "%d in the iterations that ended; %d others were broken off by a fault", trials, len(r.Broken))
		best := first
		for _, q := range r.Reports {
			if q.MeanCost < best.MeanCost {
				best = q
			}
		}
		add("mean cost", "%s in the last iteration, %s in the first; lowest %s in iteration %d", number(last.MeanCost), number(first.MeanCost), number(best.MeanCost), best.Iteration)
		if last.Error != nil {
			add("end-effector error", "%s cm in the last iteration", number(100**last.Error))
		}
		if last.SuccessRate != nil {
			add("success", "%s %% of the last iteration's samples", number(100**last.SuccessRate))
		}
		r.addVerdict(add, last)
		seconds := 0.0
		for _, q := range r.Reports {
			seconds += q.Seconds
		}
		add("time", "%s s", number(seconds))
	} else {
		add("iterations", "none has ended yet")
	}
	if n := len(r.Snapshots); n > 0 && n < r.Recorded {
		s.Note = fmt.Sprintf("Checkpoints and trials of %d of the %d iterations are looked at, evenly spread: all of them would take too long.", n, r.Recorded)
	}
	r.addCommands(s)
	return s
}

// addVerdict compares with the reference, as the node does.
func (r *Run) addVerdict(add func(name, format string, args ...any), last *learner.Report) {
	if r.Task == nil || len(r.Task.Reference.MeanCost) == 0 || last.Iteration < last.Iterations {
		return
	}
	costs := r.Task.Reference.MeanCost
	reference := costs[min(last.Iteration, len(costs))-1]
	verdict := "not reached"
	if (console.Summary{FinalCost: last.MeanCost, Reference: reference, Margin: r.Task.Reference.Margin}).Learned() {
		verdict = "reached"
	}
	add("reference", "%s (%s), %s", number(reference), orElse(r.Task.Reference.Name, "reference"), verdict)
}

// addCommands says how to go on.
func (r *Run) addCommands(s *Summary) {
	dir := shellWord(r.Dir)
	add := func(command, what string) { s.Commands = append(s.Commands, Fact{command, what}) }
	add("gps inspect "+dir, "list what the folder holds, and whether it is whole")
	if r.Task == nil || r.Task.Mode == "run" {
		return
	}
	more := fmt.Sprintf("%d", 2*r.Task.Iterations)
	resume, longer := "gps_node --resume "+dir, " --ros-args -p iterations:="+more
	if _, err := os.Stat(r.folder.Path(record.SimulatorFile)); err == nil {
		resume, longer = "gps train --resume "+dir, " --iterations "+more
	}
	if n := len(r.Reports); n == 0 || r.Reports[n-1].Iteration < r.Task.Iterations {
		add(resume, "go on where the run ended")
	} else {
		add(resume+longer, "learn for as many iterations again")
	}
	if len(r.Reports) > 0 {
		add("gps replay "+dir+" --set algorithm.kl_step=0.5", "say what an update would have been with other settings")
	}
	if len(r.Reports) > 0 {
		add("gps evaluate "+dir, "run what was learned from other starts")
		if r.Task.Algorithm.Type != "trajopt" {
			add("gps export "+dir+" policy.onnx", "write the policy as an ONNX model")
		}
	}
}

// shellWord quotes a path for a shell where it needs that.
func shellWord(path string) string {
	if path != "" && strings.Trim(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:@%") == "" && path[0] != '-' {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
