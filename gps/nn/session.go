package nn

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"guidedpolicysearch/gps/internal/crew"
	"guidedpolicysearch/gps/internal/kernel"
)

// session is one training under way.
type session struct {
	*Trainer
	pairs  *pairs
	crew   *crew.Crew
	batch  *batch
	rng    *rand.Rand
	best   *snapshot
	report Report
}

// run trains until the epochs or the patience end, and leaves what the network becomes in best.
func (s *session) run(ctx context.Context) error {
	r := &s.report
	before := s.loss(s.pairs.train)
	r.TrainLoss = append(r.TrainLoss, before)
	if before-before != 0 {
		return fmt.Errorf("%w: the loss is %v before the first step", ErrDiverged, before)
	}
	_, out := s.network.Dims()
	limit := s.cfg.MaxGrowth * max(before, s.pairs.zeroLoss(out))
	if len(s.pairs.heldOut) > 0 {
		r.HeldOutLoss = append(r.HeldOutLoss, s.loss(s.pairs.heldOut))
	}
	rate := s.cfg.Rate
	for epoch := 1; epoch <= s.cfg.Epochs; epoch++ {
		loss, err := s.epoch(ctx, rate)
		if err != nil {
			return err
		}
		if loss > limit {
			return fmt.Errorf("%w in epoch %d: its loss is %.4g, allowed is %.4g, max_growth %g times %.4g; a lower rate may help", ErrDiverged, epoch, loss, limit, s.cfg.MaxGrowth, limit/s.cfg.MaxGrowth)
		}
		r.TrainLoss = append(r.TrainLoss, loss)
		progress := Progress{Epoch: epoch, Epochs: s.cfg.Epochs, TrainLoss: loss}
		if len(s.pairs.heldOut) == 0 {
			r.BestEpoch = epoch
		} else {
			progress.HeldOutLoss = s.loss(s.pairs.heldOut)
			r.HeldOutLoss = append(r.HeldOutLoss, progress.HeldOutLoss)
			if progress.HeldOutLoss-progress.HeldOutLoss != 0 {
				return fmt.Errorf("%w in epoch %d: the held-out loss is %v; a lower rate may help", ErrDiverged, epoch, progress.HeldOutLoss)
			}
			if progress.HeldOutLoss < r.HeldOutLoss[r.BestEpoch] {
				r.BestEpoch = epoch
				s.keep(s.best)
			}
		}
		if s.Progress != nil {
			s.Progress(progress)
		}
		if r.Stopped = epoch-r.BestEpoch >= s.cfg.Patience; r.Stopped {
			break
		}
		rate *= s.cfg.RateDecay
	}
	if len(s.pairs.heldOut) == 0 {
		s.keep(s.best)
	}
	return s.best.check()
}

// check returns an error where a number is not finite: no loss has seen the last step, and an
// infinite second moment freezes its parameter for good, unseen.
func (s *snapshot) check() error {
	for _, numbers := range [][]float32{s.parameters, s.first, s.second} {
		for _, v := range numbers {
			if v-v != 0 {
				return fmt.Errorf("%w: a parameter or one of its moments is %v; a lower rate or smaller precisions may help", ErrDiverged, v)
			}
		}
	}
	return nil
}

// epoch takes all steps of one pass over the data and returns its loss.
func (s *session) epoch(ctx context.Context, rate float64) (loss float64, err error) {
	train := s.pairs.train
	s.rng.Shuffle(len(train), func(i, j int) { train[i], train[j] = train[j], train[i] })
	N := len(train)
	count := (N + s.cfg.Batch - 1) / s.cfg.Batch
	for i := range count {
		if err := ctx.Err(); err != nil {
			return 0, fmt.Errorf("nn: training was ended: %w", err)
		}
		sum := s.step(train[i*N/count:(i+1)*N/count], rate)
		if sum-sum != 0 {
			return 0, fmt.Errorf("%w at step %d: its loss is %v; a lower rate may help", ErrDiverged, s.report.Steps, sum)
		}
		loss += sum
	}
	return loss / 2 / float64(N), nil
}

// step changes the parameters by the gradient of some pairs and returns their loss sum before.
func (s *session) step(indices []int, rate float64) float64 {
	s.batch.transpose()
	loss := s.sum(indices, true)
	s.steps++
	s.report.Steps++
	s.adam(rate)
	return loss
}

// loss returns the loss of some pairs.
func (s *session) loss(indices []int) float64 {
	return s.sum(indices, false) / 2 / float64(len(indices))
}

// sum runs the blocks of some pairs.
func (s *session) sum(indices []int, gradient bool) float64 {
	b := s.batch
	b.pairs, b.indices, b.gradient, b.share = s.pairs, indices, gradient, 1/float32(len(indices))
	if n := blocks(len(indices)); n > 1 {
		s.crew.Run(n, b)
	} else {
		b.Do(0, 0)
	}
	return b.result()
}

// adam changes the parameters by the gradient that the batch left. Biases do not decay.
func (s *session) adam(rate float64) {
	c, t := &s.cfg, float64(s.steps)
	a := kernel.Adam{
		Keep1: float32(c.Beta1), Take1: float32(1 - c.Beta1), Keep2: float32(c.Beta2), Take2: float32(1 - c.Beta2),
		Rate: float32(rate / (1 - math.Pow(c.Beta1, t))), Root: float32(1 / math.Sqrt(1-math.Pow(c.Beta2, t))), Epsilon: float32(c.Epsilon),
	}
	first := 0
	for _, l := range s.network.layers {
		for _, part := range []struct {
			n      int
			shrink float64
		}{{len(l.weights.Data), 1 - rate*c.WeightDecay}, {len(l.bias.Data), 1}} {
			a.Shrink = float32(part.shrink)
			next := first + part.n
			a.Step(s.network.parameters[first:next], s.first[first:next], s.second[first:next], s.batch.blocks[0].gradient[first:next])
			first = next
		}
	}
}
