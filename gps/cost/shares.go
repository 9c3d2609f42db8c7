package cost

// Share is what one named term adds to the costs of rollouts.
type Share struct {
	// Name is that of the Named term.
	Name string
	// Costs holds the term's part of each rollout's cost, with its weight, N.
	Costs []float64
}

// Mean is that over the rollouts.
func (s *Share) Mean() float64 {
	sum := 0.0
	for _, v := range s.Costs {
		sum += v
	}
	return sum / float64(len(s.Costs))
}

// shares collects the parts of named terms while they are added to an expansion.
type shares struct {
	list []Share
	// rollouts is how many there are, at the one at hand.
	rollouts, at int
	// noted counts parts, so that a term whose own terms have names is left to them.
	noted int
}

// start forgets what was collected and keeps the memory.
func (s *shares) start(rollouts int) {
	s.list, s.rollouts = s.list[:0], rollouts
}

// note adds to a term's part of the rollout at hand.
func (s *shares) note(name string, v float64) {
	s.noted++
	for i := range s.list {
		if s.list[i].Name == name {
			s.list[i].Costs[s.at] += v
			return
		}
	}
	n := len(s.list)
	if n < cap(s.list) {
		s.list = s.list[:n+1]
	} else {
		s.list = append(s.list, Share{})
	}
	share := &s.list[n]
	share.Name = name
	if cap(share.Costs) < s.rollouts {
		share.Costs = make([]float64, s.rollouts)
	}
	share.Costs = share.Costs[:s.rollouts]
	clear(share.Costs)
	share.Costs[s.at] = v
}
