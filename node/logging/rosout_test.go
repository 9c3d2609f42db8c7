package logging

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"guidedpolicysearch/msgs/rcl_interfaces"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/mem"
)

var rosoutType = transport.Type{Name: "rcl_interfaces/msg/Log"}

func node(t *testing.T) transport.Node {
	t.Helper()
	n, err := new(mem.Bus).Open(transport.Options{Name: "gps"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

func TestRosout(t *testing.T) {
	n := node(t)
	lines := make(chan rcl_interfaces.Log, 100)
	subscribed, err := n.Subscribe(RosoutTopic, rosoutType, RosoutQoS(), func(p []byte, _ transport.Info) {
		var m rcl_interfaces.Log
		if err := m.UnmarshalCDR(p); err != nil {
			t.Error(err)
		}
		lines <- m
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer subscribed.Close()
	p, err := n.Publisher(RosoutTopic, rosoutType, RosoutQoS(), nil)
	if err != nil {
		t.Fatal(err)
	}
	l, _ := open(t, nil, nil)
	if !l.Rosout() {
		t.Fatal("the log is not to be published")
	}
	l.Warn("before\x00\xff")
	l.Publish(p)
	l.Child("arm").Error("after")
	l.Publish(p) // goes on
	l.Debug("not at all")
	l.Info("last")
	inTime(t, "lines are missing on /rosout", func() {
		for _, want := range []rcl_interfaces.Log{
			{Level: 30, Name: "ns.gps", Msg: "before\uFFFD\uFFFD"},
			{Level: 40, Name: "ns.gps.arm", Msg: "after"},
			{Level: 20, Name: "ns.gps", Msg: "last"},
		} {
			got := <-lines
			if got.Stamp.Sec != 5 || got.Stamp.Nanosec != 123 || filepath.Base(got.File) != "rosout_test.go" || got.Function != "TestRosout" || got.Line == 0 {
				t.Errorf("stamp or place of %+v", got)
			}
			if got.Level != want.Level || got.Name != want.Name || got.Msg != want.Msg {
				t.Errorf("got %+v, want %+v", got, want)
			}
		}
	})
	l.Close()
	if l.Dropped() != 0 {
		t.Errorf("%d lines dropped", l.Dropped())
	}
}

// fake is a publisher that keeps or refuses what it gets.
type fake struct {
	transport.Publisher
	err      error
	payloads [][]byte
}

func (f *fake) Publish(p []byte) error {
	if f.err == nil {
		f.payloads = append(f.payloads, append([]byte(nil), p...))
	}
	return f.err
}

// What is logged before there is a publisher is bounded; what is lost is said.
func TestRosoutLater(t *testing.T) {
	l, _ := open(t, []string{"--disable-stdout-logs"}, nil)
	for i := range rosoutDepth + 7 {
		l.Info("line %d", i)
	}
	if l.Dropped() != 7 {
		t.Errorf("%d lines dropped, want 7", l.Dropped())
	}
	var f fake
	l.Publish(&f)
	l.Close()
	if len(f.payloads) != rosoutDepth+1 {
		t.Fatalf("%d messages, want %d", len(f.payloads), rosoutDepth+1)
	}
	for i, want := range map[int]string{0: "line 0", rosoutDepth - 1: fmt.Sprintf("line %d", rosoutDepth-1), rosoutDepth: "7 log lines are missing here"} {
		var m rcl_interfaces.Log
		if err := m.UnmarshalCDR(f.payloads[i]); err != nil || !strings.HasPrefix(m.Msg, want) {
			t.Errorf("message %d is %q (%v), want %q", i, m.Msg, err, want)
		}
	}
}

func TestRosoutFails(t *testing.T) {
	for _, c := range []struct {
		err  error
		said int
	}{{errors.New("no network"), 1}, {transport.ErrClosed, 0}} {
		l, s := open(t, nil, nil)
		l.Publish(&fake{err: c.err})
		l.Info("one")
		l.Info("two")
		l.Close()
		if n := strings.Count(s.stderr.String(), c.err.Error()); n != c.said {
			t.Errorf("%v was said %d times, want %d: %q", c.err, n, c.said, s.stderr.String())
		}
		if l.Dropped() != 2 {
			t.Errorf("%v: %d lines dropped, want 2", c.err, l.Dropped())
		}
	}
}

func TestRosoutSwitchedOff(t *testing.T) {
	l, _ := open(t, []string{"--disable-rosout-logs"}, nil)
	var f fake
	l.Publish(&f)
	l.Info("line")
	l.Close()
	if l.Rosout() || len(f.payloads) != 0 {
		t.Errorf("%v, %d messages; want no publication", l.Rosout(), len(f.payloads))
	}
}
