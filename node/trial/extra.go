package trial

import (
	"fmt"
	"time"

	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/hardware/safety"
)

// extra holds what other topics tell of the state.
type extra struct {
	topics []string
	at     []int // where each topic's numbers begin, and the end
	values []float64
	seen   []bool
	heard  []int64 // arrival of each topic's latest message
}

func newExtra(cfg robot.ExtraConfig) extra {
	e := extra{topics: cfg.Topics, at: []int{0}, values: make([]float64, cfg.Size()), seen: make([]bool, len(cfg.Topics)), heard: make([]int64, len(cfg.Topics))}
	for _, n := range cfg.Sizes {
		e.at = append(e.at, e.at[len(e.at)-1]+n)
	}
	return e
}

// complete tells whether every topic has told something.
func (e *extra) complete() bool { return e.missing().Kind == safety.NoFault }

// missing names the first topic that has not.
func (e *extra) missing() safety.Fault {
	for k, seen := range e.seen {
		if !seen {
			return safety.Fault{Kind: safety.Missing, Joint: -1, Name: e.topics[k]}
		}
	}
	return safety.Fault{}
}

// silent names the first topic that has told nothing for longer than a time-out.
func (e *extra) silent(now int64, timeout time.Duration) safety.Fault {
	for k, heard := range e.heard {
		if since := time.Duration(now - heard); since > timeout {
			return safety.Fault{Kind: safety.Missing, Joint: -1, Name: e.topics[k], Duration: since, Limit: timeout}
		}
	}
	return safety.Fault{}
}

// Extra takes the numbers of an extra topic, in the robot's order of them; as many as it has,
// or it panics. Numbers that are not finite break off a trial that uses them. arrival is the
// steady clock in ns.
func (m *Machine) Extra(topic int, values []float64, arrival int64) {
	e := &m.extra
	to := e.values[e.at[topic]:e.at[topic+1]]
	if len(values) != len(to) {
		panic(fmt.Sprintf("trial: topic %s has %d numbers, want %d", e.topics[topic], len(values), len(to)))
	}
	copy(to, values)
	e.seen[topic], e.heard[topic] = true, arrival
}
