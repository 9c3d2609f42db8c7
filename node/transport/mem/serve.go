package mem

// serve calls the handlers of services, and those that are told of the graph, until the node
// closes.
func (n *Node) serve() {
	defer close(n.served)
	for {
		n.mu.Lock()
		for len(n.requested) == 0 && !n.regraph && !n.closed {
			n.called.Wait()
		}
		if n.closed {
			n.mu.Unlock()
			return
		}
		if n.regraph {
			n.regraph = false
			watchers := append([]*watcher(nil), n.watchers...)
			n.mu.Unlock()
			for _, w := range watchers {
				w.tell()
			}
			continue
		}
		s := n.requested[0]
		n.requested = append(n.requested[:0], n.requested[1:]...)
		r := s.inbox[0]
		s.inbox = append(s.inbox[:0], s.inbox[1:]...)
		s.queued = len(s.inbox) > 0
		if s.queued {
			n.requested = append(n.requested, s)
		}
		n.mu.Unlock()
		s.handle(r)
	}
}
