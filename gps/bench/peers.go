package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// job is work for a peer.
type job struct {
	Name   string   `json:"name"`
	Kind   string   `json:"kind"`
	Of     string   `json:"of"`
	File   string   `json:"file"`
	Arrays [][2]any `json:"arrays"`
	Out    string   `json:"out"`

	want    []array
	repeats float64
}

// jobsFor writes the numbers of all works to dir and returns what peers have to do. It fails
// if the implementations in Go disagree.
func jobsFor(dir string, all []*work, quick bool, report progress) ([]job, error) {
	var jobs []job
	for i, w := range all {
		report.tell("preparing", i+1, len(all), w.Name())
		more, err := w.jobs(filepath.Join(dir, strconv.Itoa(i)), quick)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", w.Name(), err)
		}
		jobs = append(jobs, more...)
	}
	return jobs, nil
}

// jobs writes the work's numbers to a file whose name begins with path, and returns what the
// peers have to do. It takes over from the numbers how many operations there are.
func (w *work) jobs(path string, quick bool) ([]job, error) {
	in, err := w.Make()
	if err != nil {
		return nil, err
	}
	defer in.close()
	want, err := in.check(quick)
	if err != nil {
		return nil, err
	}
	if in.Flops > 0 {
		w.Flops = in.Flops
	}
	if err := writeNumbers(path+".f64", flat(in.Inputs)); err != nil {
		return nil, err
	}
	arrays := [][2]any{}
	for _, a := range in.Inputs {
		arrays = append(arrays, [2]any{a.Name, a.Shape})
	}
	var jobs []job
	for _, of := range w.Peers {
		jobs = append(jobs, job{Name: w.Name(), Kind: w.Kind, Of: of, File: path + ".f64", Arrays: arrays,
			Out: path + "-" + of + ".f64", want: copies(want), repeats: float64(w.Repeats)})
	}
	return jobs, nil
}

// copies returns the arrays in memory of their own, which an instance may no longer change.
func copies(list []array) []array {
	out := slices.Clone(list)
	for i := range out {
		out[i].Data = slices.Clone(out[i].Data)
	}
	return out
}

func writeNumbers(path string, a []float64) error {
	var b bytes.Buffer
	b.Grow(8 * len(a))
	if err := binary.Write(&b, binary.NativeEndian, a); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

func readNumbers(path string) ([]float64, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	a := make([]float64, len(b)/8)
	return a, binary.Read(bytes.NewReader(b), binary.NativeEndian, a)
}

// compare fails if a peer computed something else, and tells how far off it is.
func (j *job) compare() (float64, error) {
	got, err := readNumbers(j.Out)
	if err != nil {
		return 0, err
	}
	d, err := differ(got, j.want)
	if err != nil {
		return 0, fmt.Errorf("%s computes something else in %s: %w", j.Of, j.Name, err)
	}
	return d, nil
}

// findPython returns a Python that has numpy, the system's own first, whose packages
// `make bench` installs.
func findPython() (string, error) {
	for _, name := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(name, "-c", "import numpy").Run() == nil {
			return name, nil
		}
	}
	return "", errors.New("no python3 that has numpy")
}

// runPython has a Python do its jobs, with one thread, and returns times in ns and the
// versions of its libraries.
func runPython(python, script string, jobs []job, dir string, seconds float64, report progress, times times) (map[string]string, error) {
	jobs = slices.DeleteFunc(slices.Clone(jobs), func(j job) bool { return j.Of == hpipm })
	var lines bytes.Buffer
	for _, j := range jobs {
		if err := json.NewEncoder(&lines).Encode(j); err != nil {
			return nil, err
		}
	}
	list := filepath.Join(dir, "jobs.jsonl")
	if err := os.WriteFile(list, lines.Bytes(), 0o644); err != nil {
		return nil, err
	}
	c := exec.Command(python, script, list, fmt.Sprint(seconds))
	for _, v := range []string{"OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"} {
		c.Env = append(c.Environ(), v+"=1")
	}
	c.Env = append(c.Env, "PYTHONDONTWRITEBYTECODE=1")
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	versions, err := readPeers(out, jobs, report, times)
	if err != nil {
		return nil, errors.Join(err, c.Process.Kill(), ignored(c.Wait()))
	}
	return versions, c.Wait()
}

// ignored drops the error of a process that was ended for another.
func ignored(error) error { return nil }

func readPeers(out io.Reader, jobs []job, report progress, times times) (versions map[string]string, err error) {
	scanner, done := bufio.NewScanner(out), 0
	for scanner.Scan() {
		if versions == nil {
			if err := json.Unmarshal(scanner.Bytes(), &versions); err != nil {
				return nil, fmt.Errorf("%s: %w", scanner.Text(), err)
			}
			continue
		}
		var line struct {
			Name, Of string
			NS       float64
		}
		if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
			return nil, fmt.Errorf("%s: %w", scanner.Text(), err)
		}
		done++
		report.tell("peers", done, len(jobs), line.Name+"/of="+line.Of)
		i := slices.IndexFunc(jobs, func(j job) bool { return j.Name == line.Name && j.Of == line.Of })
		if i < 0 {
			return nil, fmt.Errorf("a peer did what it was not asked for: %s", scanner.Text())
		}
		if _, err := jobs[i].compare(); err != nil {
			return nil, err
		}
		times.add(line.Name, line.Of, line.NS/jobs[i].repeats)
	}
	return versions, scanner.Err()
}

// buildHPIPM compiles the program for HPIPM against an installation and returns its path.
func buildHPIPM(source, prefix, program string) error {
	compiler := os.Getenv("CC")
	if compiler == "" {
		compiler = "cc"
	}
	args := []string{"-O2", source, "-o", program}
	for _, folder := range []string{"", "blasfeo", "hpipm"} {
		for _, include := range []string{"include", "include/blasfeo/include", "include/hpipm/include"} {
			args = append(args, "-I"+filepath.Join(prefix, folder, include))
		}
	}
	args = append(args, "-Wl,--start-group")
	for _, folder := range []string{"", "blasfeo", "hpipm"} {
		lib := filepath.Join(prefix, folder, "lib")
		args = append(args, "-L"+lib, "-Wl,-rpath,"+lib)
	}
	out, err := exec.Command(compiler, append(args, "-lhpipm", "-lblasfeo", "-Wl,--end-group", "-lm")...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("HPIPM and BLASFEO below %s: %w\n%s", prefix, err, out)
	}
	return nil
}

// runHPIPM times the jobs of HPIPM with every installation in a list of prefixes separated by
// colons, and keeps the best.
func runHPIPM(source, prefixes string, jobs []job, dir string, seconds float64, report progress, times times) error {
	jobs = slices.DeleteFunc(slices.Clone(jobs), func(j job) bool { return j.Of != hpipm })
	for n, prefix := range filepath.SplitList(prefixes) {
		program := filepath.Join(dir, "hpipm"+strconv.Itoa(n))
		if err := buildHPIPM(source, prefix, program); err != nil {
			return err
		}
		for i, j := range jobs {
			report.tell("hpipm", i+1, len(jobs), j.Name)
			out, err := exec.Command(program, j.File, j.Out, fmt.Sprint(seconds)).Output()
			if err != nil {
				var failed *exec.ExitError
				if errors.As(err, &failed) {
					err = errors.New(strings.TrimSpace(string(failed.Stderr)))
				}
				return fmt.Errorf("%s: %w", j.Name, err)
			}
			if _, err := j.compare(); err != nil {
				return err
			}
			var ns struct {
				Backward float64 `json:"backward_ns"`
				Rollout  float64 `json:"with_rollout_ns"`
			}
			if err := json.Unmarshal(out, &ns); err != nil {
				return fmt.Errorf("%s: %w", out, err)
			}
			times.add(j.Name, hpipm, math.Min(ns.Backward, ns.Rollout))
		}
	}
	return nil
}
