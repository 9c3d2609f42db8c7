package learner

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"guidedpolicysearch/node/record"
)

// end is the node's end of the pipe of a learner that runs in a goroutine.
type end struct {
	t      *testing.T
	in     *io.PipeReader
	out    *io.PipeWriter
	served chan error
}

func serveTask(t *testing.T, problem *Problem, folder *record.Folder) *end {
	toLearner, out := io.Pipe()
	in, fromLearner := io.Pipe()
	e := &end{t: t, in: in, out: out, served: make(chan error, 1)}
	go func() {
		err := Serve(context.Background(), problem, folder, toLearner, fromLearner)
		fromLearner.Close()
		e.served <- err
	}()
	t.Cleanup(func() { in.Close(); out.Close() })
	return e
}

// next returns what the learner says next.
func (e *end) next() (frameKind, Message) {
	e.t.Helper()
	kind, body, err := readFrame(e.in)
	if err != nil {
		e.t.Fatal(err)
	}
	if kind == frameFailed {
		return kind, Message{Note: string(body)}
	}
	m, err := parse(kind, body)
	if err != nil {
		e.t.Fatal(err)
	}
	return kind, m
}

func (e *end) say(kind frameKind, body string) {
	e.t.Helper()
	if err := writeFrame(e.out, kind, []byte(body)); err != nil {
		e.t.Fatal(err)
	}
}

// learn answers commands until the learner is done or trials have run.
func (e *end) learn(p *plant, trials int) (said string) {
	e.t.Helper()
	for {
		kind, m := e.next()
		said += string(kind)
		if kind != frameCommand {
			if kind == frameDone {
				return said
			}
			continue
		}
		if trials == 0 {
			return said
		}
		trials--
		e.say(frameRecorded, p.record(m.Command))
	}
}

func TestServe(t *testing.T) {
	whole, problem := newPlant(t), taskProblem(t)
	whole.learn(problem, never)
	p := newPlant(t)
	e := serveTask(t, problem, &p.run.Folder)
	if said := e.learn(p, 100); said != "CCCCCCRCCCCCCRD" {
		t.Errorf("the learner said %s", said)
	}
	if err := <-e.served; err != nil {
		t.Error(err)
	}
	p.wantSame(whole, 2)
	// A learner of a run that is done says so at once.
	e = serveTask(t, problem, &p.run.Folder)
	if said := e.learn(p, 100); said != "D" {
		t.Errorf("the learner said %s", said)
	}
}

// learnNoted lets the learner finish and returns what it noted beside what it said.
func (e *end) learnNoted(p *plant) (said string, notes []string) {
	e.t.Helper()
	for !strings.HasSuffix(said, "D") {
		kind, m := e.next()
		said += string(kind)
		switch kind {
		case frameCommand:
			e.say(frameRecorded, p.record(m.Command))
		case frameNote:
			notes = append(notes, m.Note)
		}
	}
	return said, notes
}

// A fit from fewer samples than unknowns without a prior is worth one line in the log.
func TestServeWarnsOnce(t *testing.T) {
	p := newPlant(t)
	e := serveTask(t, taskProblem(t, func(c *Config) { c.Algorithm.Prior.Use = false }), &p.run.Folder)
	said, notes := e.learnNoted(p)
	if said != "CCCCCCNRCCCCCCRD" || len(notes) != 1 || !strings.Contains(notes[0], "record at least 7 rollouts, or use a prior") {
		t.Errorf("the learner said %s with the notes %q", said, notes)
	}
}

// Every iteration in which a condition cannot learn is worth a line.
func TestServeTellsOfAStandstill(t *testing.T) {
	p := newPlant(t)
	e := serveTask(t, taskProblem(t, func(c *Config) { c.Algorithm.MinEta, c.Algorithm.MaxEta, c.Algorithm.KLStep = 1e-12, 1e-11, 1e-9 }), &p.run.Folder)
	said, notes := e.learnNoted(p)
	iterations := strings.Count(said, "R")
	if iterations == 0 || len(notes) < iterations {
		t.Fatalf("the learner said %s with the notes %q", said, notes)
	}
	for i, note := range notes {
		if !strings.Contains(note, "iteration ") || !strings.Contains(note, "controller stays as it is") {
			t.Errorf("note %d is %q", i, note)
		}
	}
}

func TestServeGoesOn(t *testing.T) {
	whole, problem := newPlant(t), taskProblem(t)
	whole.learn(problem, never)
	p := newPlant(t)
	for range 4 {
		e := serveTask(t, problem, &p.run.Folder)
		e.learn(p, 3)
		e.out.Close()
		if err := <-e.served; err != nil {
			t.Errorf("at the end of the pipe: %v", err)
		}
	}
	// All trials of the last iteration are there, its update is not.
	if err := os.Remove(p.checkpointPath(2)); err != nil {
		t.Fatal(err)
	}
	e := serveTask(t, problem, &p.run.Folder)
	if said := e.learn(p, 0); said != "RD" {
		t.Errorf("the learner said %s", said)
	}
	p.wantSame(whole, 2)
}

func TestServeFails(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(*Config)
		say  func(e *end, p *plant)
		says string
	}{
		{"other run", func(c *Config) { c.Seed = 9 }, nil, "seed is 9"},
		{"wrong frame", nil, func(e *end, p *plant) { e.say(frameNote, "x") }, "recorded rollout was expected"},
		{"broken frame", nil, func(e *end, p *plant) { e.out.Write([]byte("hello hello")) }, "broken pipe protocol"},
		{"rollout that is not there", nil, func(e *end, p *plant) { e.say(frameRecorded, "rollouts/none.mcap") }, "none.mcap"},
		{"empty rollout", nil, func(e *end, p *plant) {
			if err := os.WriteFile(p.run.Path("rollouts/empty.mcap"), nil, 0o644); err != nil {
				e.t.Fatal(err)
			}
			e.say(frameRecorded, "rollouts/empty.mcap")
		}, "empty.mcap"},
		{"half a rollout", nil, func(e *end, p *plant) {
			core, _ := p.core(taskProblem(e.t, func(c *Config) { c.Iterations = 3 }))
			path := p.record(core.Next())
			edit(e.t, p.run.Path(path), func(b []byte) []byte { return b[:60] })
			e.say(frameRecorded, path)
		}, "damaged"},
		{"half a frame", nil, func(e *end, p *plant) { e.out.Write([]byte{9, 0, 0, 0, 'T', 'r'}); e.out.Close() }, "unexpected EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlant(t)
			p.learn(taskProblem(t), never)
			e := serveTask(t, taskProblem(t, func(cfg *Config) {
				cfg.Iterations = 3
				if c.edit != nil {
					c.edit(cfg)
				}
			}), &p.run.Folder)
			if c.say != nil {
				if kind, _ := e.next(); kind != frameCommand {
					t.Fatalf("first came %q", kind)
				}
				go c.say(e, p)
			}
			kind, m := e.next()
			if kind != frameFailed || !strings.Contains(m.Note, c.says) {
				t.Errorf("the learner said %q %q, want a failure that says %q", kind, m.Note, c.says)
			}
			if err := <-e.served; err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("Serve returned %v", err)
			}
		})
	}
}

func TestServeWithoutANode(t *testing.T) {
	p := newPlant(t)
	err := Serve(context.Background(), taskProblem(t), &p.run.Folder, strings.NewReader(""), brokenWriter{})
	if !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("error %v", err)
	}
}
