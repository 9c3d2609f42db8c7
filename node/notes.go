package node

import (
	"fmt"

	"guidedpolicysearch/node/logging"
	"guidedpolicysearch/node/transport"
)

// mismatch returns a handler that tells of endpoints on a topic whose quality of service
// keeps them apart from this node's, with advice for reliability.
func (n *node) mismatch(topic, advice string) transport.StatusHandler {
	seen := 0
	return func(s transport.Status) {
		if s.Incompatible <= seen {
			return
		}
		seen = s.Incompatible
		text := fmt.Sprintf("%s: another endpoint's quality of service does not match (%s): no message passes between it and this node", topic, s.Policy)
		if s.Policy == transport.PolicyReliability {
			text += advice
		}
		n.tell(text)
	}
}

// warn logs a warning, and shows it above the table if there is one.
func (n *node) warn(text string) {
	if n.session != nil {
		n.session.note(logging.Warn, "%s", text)
		return
	}
	n.ros.Log.Warn("%s", text)
	if n.cfg.Console == consoleTable {
		fmt.Fprintln(n.opt.Terminal, text)
	}
}

// tell passes a warning on to the log.
func (n *node) tell(text string) {
	select {
	case n.notes <- text:
	default:
	}
}
