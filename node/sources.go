package node

import (
	"fmt"
	"slices"
	"strings"

	"guidedpolicysearch/node/logging"
	"guidedpolicysearch/node/transport"
)

// sources knows which publishers the joint states have come from. One that takes another's place is
// a driver that was started again; one that was heard before another is still there.
type sources struct {
	heard [16]transport.PublisherID // the latest first
	count int
}

// check tells whether the publisher of a joint state was heard before that of the last one, so that
// two deliver in turn. It does not allocate.
func (s *sources) check(p transport.PublisherID) (two bool) {
	at := slices.Index(s.heard[:s.count], p)
	if at == 0 {
		return false
	}
	again := at > 0
	if !again {
		s.count = min(s.count+1, len(s.heard))
		at = s.count - 1
	}
	copy(s.heard[1:at+1], s.heard[:at])
	s.heard[0] = p
	return again
}

// rivals describes the publishers of joint states if there is more than one, and is empty otherwise.
func (n *node) rivals() string {
	matched := n.probe.Load().publishers.Load()
	if matched < 2 {
		return ""
	}
	text := fmt.Sprintf("%d publishers of joint states on %s, expected the robot's driver alone", matched, n.names[jointStatesTopic])
	graph, err := n.ros.Graph()
	if err != nil {
		return text
	}
	var names []string
	for _, e := range graph.Endpoints {
		if e.Publisher && e.Topic == n.names[jointStatesTopic] && e.Node.Name != "" {
			names = append(names, e.Node.FQN())
		}
	}
	if len(names) > 0 {
		text += ": nodes " + strings.Join(names, ", ")
	}
	return text + "; two that deliver are a fault"
}

// warnOfRivals says once that there is more than one publisher of joint states.
func (n *node) warnOfRivals() {
	text := n.rivals()
	if text != "" && text != n.warned {
		n.session.note(logging.Warn, "%s", text)
	}
	n.warned = text
}
