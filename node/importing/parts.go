package importing

import (
	"fmt"
	"math"
	"strings"

	"guidedpolicysearch/hardware/trajectory"
	"guidedpolicysearch/node/demonstration"
)

// rounding, in s, is what stamps are taken for equal within.
const rounding = 1e-9

// part is a motion without a pause whose efforts are known.
type part struct {
	motion  *trajectory.Trajectory
	stretch *demonstration.Stretch
	start   int64   // stamp of the first row in ns
	begin   float64 // where the first rollout begins, in s after the first row
}

// lasts returns the time in s from where the first rollout begins.
func (p *part) lasts() float64 {
	return p.motion.Time[len(p.motion.Time)-1] - p.motion.Time[0] - p.begin
}

// parts are what a recording is cut into, and why.
type parts struct {
	list   []part
	usual  float64 // time between two rows in s
	lasts  float64 // of the whole recording in s
	pauses pauses
	// setBack is how often the clock was set back; trials how many others begin a stretch.
	setBack, trials int
	// early rows come before the first command, late ones too long after one.
	early, late skipped
	why         []string
}

// pauses of a recording; the first of the longest, from a time to another one in s over all stretches.
type pauses struct {
	count    int
	from, to float64
}

func (p *pauses) add(from, to float64) {
	if p.count++; to-from > p.to-p.from+rounding {
		p.from, p.to = from, to
	}
}

// skipped rows, and the time in s that they stand for.
type skipped struct {
	count   int
	seconds float64
}

// parted cuts a recording at its pauses and where no efforts are known, from where the first rollout
// begins.
func parted(cfg *Config, stretches []demonstration.Stretch) (*parts, error) {
	motions := make([]*trajectory.Trajectory, len(stretches))
	for i := range stretches {
		motions[i] = stretches[i].Trajectory
	}
	p := &parts{usual: trajectory.Usual(motions...)}
	if err := trajectory.CheckRate(p.usual, cfg.DT); err != nil {
		return nil, err
	}
	for i := range stretches {
		s := &stretches[i]
		if i > 0 {
			before := &stretches[i-1]
			if s.Stamp <= before.Stamp+nanoseconds(before.Time[len(before.Time)-1]-before.Time[0]) {
				p.setBack++
			} else {
				p.trials++
			}
		}
		p.cut(cfg, s)
		p.lasts += s.Time[len(s.Time)-1] - s.Time[0]
	}
	p.explain(cfg)
	return p, nil
}

// cut appends the parts of a stretch.
func (p *parts) cut(cfg *Config, s *demonstration.Stretch) {
	longest, oldest := math.Inf(1), math.MaxFloat64
	if cfg.MaxGap > 0 {
		longest, oldest = cfg.MaxGap*p.usual, cfg.MaxGap
	}
	n, begin := len(s.Time), s.Time[0]+max(0, cfg.Begin-p.lasts)
	from := 0
	end := func(to int) {
		// What is over before the first rollout begins was not asked for.
		if to > from && s.Time[to-1] > begin-rounding {
			part := part{motion: s.Rows(from, to), stretch: s, start: s.Stamp + nanoseconds(s.Time[from]-s.Time[0]), begin: max(0, begin-s.Time[from])}
			if part.motion.Velocity == nil {
				part.motion = part.motion.Smooth(cfg.Smoothing)
			}
			p.list = append(p.list, part)
		}
		from = to
	}
	for i, now := range s.Time {
		if i > 0 && now-s.Time[i-1] > longest {
			end(i)
			if now > begin {
				p.pauses.add(p.lasts+s.Time[i-1]-s.Time[0], p.lasts+now-s.Time[0])
			}
		}
		if s.CommandAge == nil || s.CommandAge[i] <= oldest {
			continue
		}
		if from < i {
			end(i + 1) // its effort would hold from then on only
			continue
		}
		from = i + 1
		if now < begin-rounding {
			continue
		}
		left := &p.late
		if math.IsInf(s.CommandAge[i], 1) {
			left = &p.early
		}
		left.count++
		if i+1 < n {
			left.seconds += min(s.Time[i+1]-now, p.usual)
		}
	}
	end(n)
}

// explain says why there are several parts, and what is in none.
func (p *parts) explain(cfg *Config) {
	say := func(format string, args ...any) { p.why = append(p.why, fmt.Sprintf(format, args...)) }
	if n := p.early.count; n > 0 {
		say("%s (%.4g s) before the first command of topic %s: left out", number(n, "row comes", "rows come"), p.early.seconds, cfg.Topics.Commands)
	}
	if n := p.late.count; n > 0 {
		say("%s (%.4g s) without a command of topic %s for more than %v times the usual time (--max-gap): left out", number(n, "row was", "rows were"), p.late.seconds, cfg.Topics.Commands, cfg.MaxGap)
	}
	var cuts []string
	if n := p.pauses.count; n > 0 {
		cuts = append(cuts, fmt.Sprintf("%s of more than %.4g s (--max-gap %v times the usual %.4g s), the longest of %.4g s from %.6g s to %.6g s after the first row",
			number(n, "pause", "pauses"), cfg.MaxGap*p.usual, cfg.MaxGap, p.usual, p.pauses.to-p.pauses.from, p.pauses.from, p.pauses.to))
	}
	if p.setBack > 0 {
		cuts = append(cuts, "a clock that was set back "+times(p.setBack))
	}
	if p.trials > 0 {
		cuts = append(cuts, number(p.trials, "beginning of a trial", "beginnings of trials")+" that a run recorded")
	}
	if len(cuts) > 0 && len(p.list) != 1 {
		say("cut into %d stretches by %s", len(p.list), strings.Join(cuts, ", and by "))
	}
}

// describe adds the notes.
func (p *parts) describe(path string, out *Motion) {
	for _, why := range p.why {
		out.Notes = append(out.Notes, path+": "+why)
	}
}

// none returns why there is no rollout.
func (p *parts) none(cfg *Config, short leftOver) error {
	why := ""
	if len(p.why) > 0 {
		why = " (" + strings.Join(p.why, "; ") + ")"
	}
	switch {
	case len(p.list) == 0 && p.early.count+p.late.count == 0:
		return fmt.Errorf("%w: it lasts %.6g s, and the first rollout is to begin at %v s: give an earlier time", ErrMotion, p.lasts, cfg.Begin)
	case len(p.list) == 0:
		return fmt.Errorf("%w: no row from %v s on has a torque%s", ErrMotion, cfg.Begin, why)
	case cfg.Steps == 0:
		return fmt.Errorf("%w: its longest stretch lasts %.6g s from %v s on, need at least one time step of %v s%s", ErrMotion, short.longest, cfg.Begin, cfg.DT, why)
	}
	return fmt.Errorf("%w: its longest stretch lasts %.6g s from %v s on, a rollout of %d steps %.6g s: give fewer steps, or 0 for the whole motion%s",
		ErrMotion, short.longest, cfg.Begin, cfg.Steps, float64(cfg.Steps)*cfg.DT, why)
}

// nanoseconds returns a time in s in ns.
func nanoseconds(seconds float64) int64 { return int64(math.Round(seconds * 1e9)) }

func number(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
