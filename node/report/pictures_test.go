package report_test

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"guidedpolicysearch/node/plots"
	"guidedpolicysearch/node/report"
)

// picture returns the picture of a part by its ID.
func picture(t *testing.T, p *report.Part, id string) *report.Picture {
	t.Helper()
	i := slices.IndexFunc(p.Shown, func(q *report.Picture) bool { return q.ID == id })
	if i < 0 {
		t.Fatalf("part %s has no picture %q: %s", p.ID, id, p.Missing)
	}
	return p.Shown[i]
}

// One wild improvement does not hide the others.
func TestWildImprovement(t *testing.T) {
	r := open(t, train(t, "planar_arm", "iterations=4"))
	for i, actual := range []float64{0, 30, -2e9, 4} {
		predicted := float64(10 * i)
		for m := range r.Reports[i].Conditions {
			r.Reports[i].Conditions[m].Predicted, r.Reports[i].Conditions[m].Actual = &predicted, &actual
		}
	}
	p := part(t, report.Make(r), "improvement")
	for _, id := range []string{"improvement_mean", "improvement_against"} {
		svg := string(picture(t, p, id).SVG)
		if !power.MatchString(svg) || !strings.Contains(svg, ">0</text>") || !strings.Contains(svg, "log beyond ±") {
			t.Errorf("%s has no negative power of ten, no 0, or does not say that its axis is logarithmic", id)
		}
	}
	for _, id := range []string{"dynamics_likelihood", "dynamics_likelihood_last", "dynamics_likelihood_mean"} {
		if !picture(t, part(t, report.Make(r), "dynamics"), id).Chart.SymLog {
			t.Errorf("%s has no axis for early fits that are far off", id)
		}
	}
	for i, q := range r.Reports {
		actual := float64(20 + i)
		for m := range q.Conditions {
			q.Conditions[m].Actual = &actual
		}
	}
	if svg := string(picture(t, part(t, report.Make(r), "improvement"), "improvement_mean").SVG); strings.Contains(svg, "log beyond") {
		t.Error("the axis is logarithmic where a linear one shows everything")
	}
}

var power = regexp.MustCompile(`>-10\^[5-8]</text>`)

// Improvement is of what the algorithm's updates lower; without a model none is predicted.
func TestImprovementOfWhat(t *testing.T) {
	for _, task := range tasks {
		t.Run(task.name, func(t *testing.T) {
			page := report.Make(open(t, train(t, task.params, task.set...)))
			p := part(t, page, "improvement")
			if task.name == "pi2" {
				if missing := part(t, page, "dynamics").Missing; !strings.Contains(missing, "the update pi2 needs no model") {
					t.Errorf("no word of why there are no dynamics: %q", missing)
				}
				if len(p.Shown) > 0 || !strings.Contains(p.Missing, "only with the update lqr or pilqr") {
					t.Errorf("%d pictures, and missing is %q", len(p.Shown), p.Missing)
				}
				return
			}
			mean := picture(t, p, "improvement_mean")
			title, caption := "Improvement of the expected cost", "below 0 the expected cost rose."
			if slices.Contains([]string{"badmm", "constrained", "lagrangian"}, task.name) {
				title, caption = "Improvement of the objective", "below 0 the objective rose, which is the expected cost with the pull towards the policy."
			}
			if mean.Chart.Title != title || !strings.HasSuffix(mean.Caption, caption) {
				t.Errorf("title %q and caption %q, want %q and %q", mean.Chart.Title, mean.Caption, title, caption)
			}
		})
	}
}

// A term below 0, as of a logarithm, leaves the others to be seen.
func TestNegativeTerm(t *testing.T) {
	r := open(t, train(t, "planar_arm", "iterations=4"))
	for i, q := range r.Reports {
		for m := range q.Conditions {
			q.Conditions[m].CostTerms = map[string]float64{"cost.end_effector": []float64{2000, 50, 4, -8}[i], "cost.torque": 0.2}
		}
	}
	if svg := string(picture(t, part(t, report.Make(r), "terms"), "terms_cost").SVG); !strings.Contains(svg, "cost, log beyond ±0.1<") {
		t.Error("the axis is linear")
	}
}

// Shares have the whole axis and numbers from 0 theirs, also where all are 0.
func TestAxesOfConstants(t *testing.T) {
	r := open(t, train(t, "planar_arm", "iterations=4"))
	for _, q := range r.Reports {
		none := 0.0
		q.SuccessRate = &none
	}
	p := report.Make(r)
	if y := picture(t, part(t, p, "torques"), "torques_saturation").Chart.YRange; !(y[0] < 0 && y[0] > -0.1*y[1]) || y[1] < 1 {
		t.Errorf("the axis of steps at the limit is from %v to %v, want from 0 to at least 1", y[0], y[1])
	}
	for _, c := range []struct {
		part, id string
		want     []string
	}{
		{"learning", "learning_success", []string{"0", "20", "40", "60", "80", "100"}},
		{"faults", "faults_safety", []string{"0", "0.2", "0.4", "0.6", "0.8", "1"}},
	} {
		var got []string
		shown := picture(t, part(t, p, c.part), c.id)
		for _, m := range label.FindAllStringSubmatch(string(shown.SVG), -1) {
			got = append(got, m[1])
		}
		// The y axis comes last, its title first.
		if got = got[slices.Index(got, shown.Chart.Y)+1:]; !slices.Equal(got, c.want) {
			t.Errorf("%s: labels are %q, want %q", c.id, got, c.want)
		}
	}
}

var label = regexp.MustCompile(`<text[^>]*>([^<]*)</text>`)

// The last of the iterations in one chart is the thick one, and none of them shares a tone.
func TestLastIterationStandsOut(t *testing.T) {
	p := report.Make(open(t, train(t, "mdgps_arm2", "iterations=3", "samples=3")))
	for _, c := range []struct {
		part, id string
		last     int
	}{{"paths", "paths_xy", 3}, {"joints", "joints_condition_0_joint_0", 3}, {"dynamics", "dynamics_likelihood", 2}, {"policy", "policy_kl", 3}} {
		tones := map[plots.Tone]string{}
		for _, l := range picture(t, part(t, p, c.part), c.id).Chart.Lines {
			if l.Name == "target" {
				continue
			}
			if l.Strong != (l.Name == fmt.Sprintf("iteration %d", c.last)) {
				t.Errorf("%s: %s is thick: %v, want only that of iteration %d", c.id, l.Name, l.Strong, c.last)
			}
			if before, there := tones[l.Tone]; there && before != l.Name {
				t.Errorf("%s: %s and %s have one tone", c.id, before, l.Name)
			}
			tones[l.Tone] = l.Name
		}
		if len(tones) != c.last {
			t.Errorf("%s: %d iterations, want %d", c.id, len(tones), c.last)
		}
	}
}

// A crowd of 90 points within 1, and ten points a hundred times as far away.
func TestMiddleOfClusters(t *testing.T) {
	c := &report.Clusters{X: make([][]float64, 2), Y: make([][]float64, 2)}
	for i := range 90 {
		c.X[0], c.Y[0] = append(c.X[0], float64(i)/90), append(c.Y[0], float64((7*i)%90)/90)
	}
	if x, y, outside := c.Middle(); outside != 0 || x != [2]float64{0, 89.0 / 90} || y != x {
		t.Errorf("a crowd alone: %v and %v, %d points outside, want all", x, y, outside)
	}
	// Four interquartile ranges from the quartiles are far out, but leave enough of the picture.
	c.X[1], c.Y[1] = []float64{0.5}, []float64{0.75 + 4*0.5}
	if _, y, outside := c.Middle(); outside != 0 || y[1] != 2.75 {
		t.Errorf("with one not far away: up to %v, %d points outside, want all", y, outside)
	}
	c.Y[1][0] = 50
	if _, y, outside := c.Middle(); outside != 1 || y[1] > 4 {
		t.Errorf("with one far above: up to %v, %d points outside, want 1", y, outside)
	}
	c.Y[1][0] = -50
	if _, y, outside := c.Middle(); outside != 1 || y[0] < -4 {
		t.Errorf("with one far below: from %v, %d points outside, want 1", y, outside)
	}
	c.X[1], c.Y[1] = nil, nil
	for i := range 10 {
		c.X[1], c.Y[1] = append(c.X[1], 100), append(c.Y[1], float64(i)/10)
	}
	x, y, outside := c.Middle()
	if outside != 10 || x[0] != 0 || x[1] < 89.0/90 || x[1] > 4 || y[0] != 0 || y[1] != 89.0/90 {
		t.Errorf("with ten far away: %v and %v, %d points outside, want 10", x, y, outside)
	}
	// Half of the points in one place have no spread to measure the others by.
	for i := range 300 {
		c.X[0], c.Y[0] = append(c.X[0], 0.5), append(c.Y[0], float64(i%10))
	}
	if x, _, outside := c.Middle(); outside != 0 || x[1] != 100 {
		t.Errorf("most at one place: %v, %d points outside, want all", x, outside)
	}
}

// Pictures of clusters say how many points they leave out, and these can be seen as well.
func TestClustersLeaveOutAWord(t *testing.T) {
	r := open(t, train(t, "planar_arm", "iterations=4"))
	prior := r.Snapshots[3].Priors[0]
	for _, sample := range prior.Rollouts[:2] { // a few transitions far away
		for i := range sample.State(3) {
			sample.State(3)[i] *= 1 + 1e4*float64(i%2)
			sample.State(3)[i] += 1e3 * math.Pow(-1, float64(i))
		}
	}
	c, err := report.NewClusters(prior)
	if err != nil {
		t.Fatal(err)
	}
	x, y, outside := c.Middle()
	if outside == 0 {
		t.Fatal("no point is outside")
	}
	p := part(t, report.Make(r), "clusters")
	near := picture(t, p, "clusters_condition_0")
	total := 0
	for _, points := range near.Chart.Points {
		total += len(points.X)
	}
	if want := fmt.Sprintf(" %d of %d points lie outside of the picture", outside, total); !strings.Contains(near.Caption, want) || near.Chart.XRange != x || near.Chart.YRange != y {
		t.Errorf("caption %q, axes %v and %v, want %q, %v and %v", near.Caption, near.Chart.XRange, near.Chart.YRange, want, x, y)
	}
	all := picture(t, p, "clusters_condition_0_all").Chart
	if all.XRange != [2]float64{} || all.YRange != [2]float64{} || len(all.Lines) != len(c.X) {
		t.Errorf("the picture of all has axes %v and %v, %d ellipses", all.XRange, all.YRange, len(all.Lines))
	}
	for k, points := range all.Points {
		if len(points.X) > 25 || len(points.X) < min(25, len(c.X[k])) {
			t.Errorf("cluster %d has %d points of %d in the picture of all, want at most 25", k, len(points.X), len(c.X[k]))
		}
	}
}

// Legends have the marks of the pictures, and rows of few pictures their own width.
func TestLegendAndRows(t *testing.T) {
	page := string(write(t, train(t, "mdgps_arm2", "iterations=3", "samples=3")))
	for _, want := range []string{`<b style="color:var(--limit)">×</b>target`, `<i class="dot" style="background:var(--c0)"></i>iterations`, `<i style="border-top:5px solid var(--r6)"></i>iteration 3`,
		`<i style="border-top:3px dashed var(--limit)"></i>bound, mean`, `;background:var(--c0)"></i>middle half`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	if strings.Contains(page, "ZgotmplZ") {
		t.Error("the template did not trust a value")
	}
	for _, row := range strings.Split(page, `<div class="row`)[1:] {
		row, _, _ = strings.Cut(row, "<section")
		class, rest, _ := strings.Cut(row, `">`)
		want := map[int]string{1: " one", 2: " two", 4: " two"}[strings.Count(rest, "<figure")]
		if class != want {
			t.Errorf("a row of %d pictures has class %q, want %q", strings.Count(rest, "<figure"), class, want)
		}
	}
}
