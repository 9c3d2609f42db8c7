package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/term"
)

// options are the command line.
type options struct {
	quick         bool
	hpipm, python string
	json, raw     string
	root          string
}

func main() {
	var o options
	flag.BoolVar(&o.quick, "quick", false, "measure less, in about a minute: no T=500, no table of growth, fewer runs")
	flag.StringVar(&o.hpipm, "hpipm", "", "where HPIPM and BLASFEO are installed; of several prefixes, separated by colons, the fastest counts")
	flag.StringVar(&o.python, "python", "", "the Python that has numpy; found by itself if empty")
	flag.StringVar(&o.json, "json", "bench.json", "file for the table as JSON")
	flag.StringVar(&o.raw, "raw", "bench.txt", "file for the Go benchmarks' own output, which benchstat reads")
	flag.StringVar(&o.root, "root", ".", "the repository")
	system := flag.String("learn", "", "only run this system's learning, arm or large, and print what it cost")
	conditions := flag.Int("conditions", 1, "initial states of -learn, 1 to 4")
	flag.Parse()
	err := error(nil)
	switch {
	case flag.NArg() > 0:
		err = fmt.Errorf("unknown argument %q", flag.Arg(0))
	case *system != "":
		err = learn(os.Stdout, *system, *conditions)
	default:
		err = bench(o, os.Stdout, newProgress(os.Stderr, term.IsTerminal(int(os.Stderr.Fd()))))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench measures everything and writes the table.
func bench(o options, out io.Writer, report progress) error {
	defer report.clear()
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	all := works()
	if o.quick {
		all = slices.DeleteFunc(all, func(w *work) bool { return !w.Short })
	}
	result := &outcome{Machine: describe(), Command: strings.Join(os.Args[1:], " ")}
	if o.quick {
		result.Left = append(result.Left, "T=500, and how cost grows: this is a quick run, of fewer repetitions too")
	}
	others, err := o.runPeers(dir, all, result, report)
	if err != nil {
		return err
	}
	own, grown, err := o.runOwn(all, report)
	if err != nil {
		return err
	}
	for _, w := range all {
		r := row{Name: w.Name(), Work: w.Title, Size: w.Size, NS: own.times[w.Name()][ours], Peers: map[string]float64{},
			Allocations: own.allocations[w.Name()][ours], CPU: own.processor[w.Name()][ours], Flops: w.Flops, Workers: max(1, w.Workers)}
		for _, source := range []times{own.times, others, parts} {
			for of, ns := range source[w.Name()] {
				if of != ours {
					r.Peers[of] = ns
				}
			}
		}
		result.Rows = append(result.Rows, r)
	}
	result.Growth = grown
	for i, t := range tasks {
		report.tell("learning", i+1, len(tasks), fmt.Sprintf("%s, conditions: %d", t.System, t.Conditions))
		runs := 3
		if o.quick {
			runs = 1
		}
		l, err := learnAside(t.System, t.Conditions, runs)
		if err != nil {
			return err
		}
		result.Learning = append(result.Learning, l)
	}
	report.clear()
	result.write(out)
	fmt.Fprintf(out, "\nAs JSON: %s. For benchstat: %s\n", o.json, o.raw)
	return result.save(o.json)
}

// runPeers times what is not Go. What is not installed is left out, and the result says so.
func (o *options) runPeers(dir string, all []*work, result *outcome, report progress) (times, error) {
	measured := times{}
	with := slices.DeleteFunc(slices.Clone(all), func(w *work) bool { return len(w.Peers) == 0 })
	jobs, err := jobsFor(dir, with, o.quick, report)
	if err != nil {
		return nil, err
	}
	seconds := 0.5
	if o.quick {
		seconds = 0.1
	}
	peers := filepath.Join(o.root, "gps", "bench", "peers")
	python := o.python
	if python == "" {
		python, err = findPython()
	}
	if err != nil {
		result.Left = append(result.Left, fmt.Sprintf("numpy, scikit-learn and torch: %v", err))
	} else {
		if result.Machine.Versions, err = runPython(python, filepath.Join(peers, "peers.py"), jobs, dir, seconds, report, measured); err != nil {
			return nil, fmt.Errorf("%s: %w", python, err)
		}
		for _, name := range []string{sklearn, torch} {
			if result.Machine.Versions[name] == "" {
				result.Left = append(result.Left, titles[name]+": "+python+" does not have it")
			}
		}
	}
	if o.hpipm == "" {
		result.Left = append(result.Left, titles[hpipm]+": no installation given (make bench hpipm:=PREFIX)")
		return measured, nil
	}
	return measured, runHPIPM(filepath.Join(peers, "hpipm.c"), o.hpipm, jobs, dir, seconds, report, measured)
}

// runOwn runs the Go benchmarks.
func (o *options) runOwn(all []*work, report progress) (*measured, []growth, error) {
	raw, err := os.Create(o.raw)
	if err != nil {
		return nil, nil, err
	}
	defer raw.Close()
	over := scalings()
	if o.quick {
		over = nil
	}
	repeats := map[string]float64{}
	for _, w := range all {
		repeats[w.Name()] = float64(w.Repeats)
	}
	for _, s := range over {
		for _, w := range s.Works {
			repeats[w.Name()] = float64(w.Repeats)
		}
	}
	m, err := runBenchmarks(o.root, o.quick, raw, repeats, report)
	if err != nil {
		return nil, nil, err
	}
	var grown []growth
	for _, s := range over {
		g := growth{Work: s.Title, Variable: s.Variable, At: s.At}
		for _, w := range s.Works {
			ns, ok := m.times[w.Name()][ours]
			if !ok {
				return nil, nil, fmt.Errorf("no benchmark measured %s", w.Name())
			}
			g.NS = append(g.NS, ns)
		}
		g.Exponent = exponent(g.At, g.NS)
		grown = append(grown, g)
	}
	for _, w := range all {
		if m.times[w.Name()][ours] == 0 {
			return nil, nil, fmt.Errorf("no benchmark measured %s", w.Name())
		}
	}
	return m, grown, raw.Close()
}
