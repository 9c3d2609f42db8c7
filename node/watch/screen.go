package watch

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"guidedpolicysearch/msgs/guided_policy_search_msgs"
)

// Narrowest and lowest that a screen is drawn for.
const (
	minWidth  = 30
	minHeight = 8
)

// Screen draws the model for a terminal of so many columns and lines: no line is wider, there are
// not more lines, and what is least needed is left out first. now is the time of drawing.
func (m *Model) Screen(width, height int, now time.Time) string {
	width, height = max(width, minWidth), max(height, minHeight)
	m.mu.Lock()
	defer m.mu.Unlock()
	head := m.header(now)
	joints := m.jointTable(width)
	health := m.healthLines()
	log := m.logLines()
	room := height - len(head)
	joints = joints[:min(len(joints), room)]
	room -= len(joints)
	health = health[:min(len(health), room)]
	room -= len(health)
	// The log has what it needs, to a third of what is left; the curve has the rest.
	log = log[max(0, len(log)-max(room/3, min(room, 2))):]
	room -= len(log)
	lines := head
	if room >= 4 {
		lines = append(lines, chart("mean cost by iteration", costs(m.iterations), width, room)...)
	}
	lines = append(append(append(lines, joints...), health...), log...)
	for i, line := range lines {
		lines[i] = cut(line, width)
	}
	return strings.Join(lines[:min(len(lines), height)], "\n")
}

// header says who is watched, and what it does.
func (m *Model) header(now time.Time) []string {
	switch {
	case m.heard.IsZero():
		return []string{m.node, "not heard of yet: is it running, with the same ROS_DOMAIN_ID and ROS_LOCALHOST_ONLY?"}
	case now.Sub(m.heard) > Silence:
		return []string{m.node + "  SILENT", fmt.Sprintf("not heard of for %.0f s", now.Sub(m.heard).Seconds())}
	}
	lines := []string{m.node}
	if s := &m.state; m.told {
		lines[0] += "  " + strings.ToUpper(Phase(s.Phase))
		lines = append(lines, fmt.Sprintf("iteration %d of %d, condition %d, trial %d of %d, faults %d", s.Iteration, s.Iterations, s.Condition, s.Sample+1, s.Samples, s.Faults))
		if s.Fault != "" {
			lines = append(lines, "FAULT "+s.Fault)
		}
	}
	if n := len(m.iterations); n > 0 {
		lines = append(lines, summary(&m.iterations[n-1])...)
	}
	if t := m.trial; t != nil {
		lines = append(lines, fmt.Sprintf("last trial  cost %.4g  in %.3g s", t.Cost, t.Duration))
	}
	return lines
}

// summary says how the latest iteration went.
func summary(r *guided_policy_search_msgs.IterationReport) []string {
	line := fmt.Sprintf("cost %.4g (best %.4g)  KL %.3g nat  eta %.3g  step x%.3g", r.MeanCost, r.BestCost, r.Kl, r.Eta, r.StepMultiplier)
	if !math.IsNaN(r.EndEffectorError) {
		line += fmt.Sprintf("  error %.3g m", r.EndEffectorError)
	}
	if !math.IsNaN(r.SuccessRate) {
		line += fmt.Sprintf("  success %.0f %%", 100*r.SuccessRate)
	}
	lines := []string{line}
	if !math.IsNaN(r.PolicyKl) || !math.IsNaN(r.PolicyLoss) {
		policy := fmt.Sprintf("policy  KL to controllers %.3g nat  loss %.3g", r.PolicyKl, r.PolicyLoss)
		if r.RolledBack {
			policy += "  rolled back"
		}
		lines = append(lines, policy)
	}
	return lines
}

// jointTable has a line for each joint: position, velocity, effort, and its part of the limit.
func (m *Model) jointTable(width int) []string {
	names := m.joints.Name
	if len(names) == 0 {
		return nil
	}
	longest := 0
	for _, n := range names {
		longest = max(longest, min(utf8.RuneCountInString(n), 16))
	}
	lines := []string{fmt.Sprintf("%-*s %9s %9s %9s", longest, "joint", "position", "velocity", "effort")}
	bar := width - utf8.RuneCountInString(lines[0]) - 4
	for i, name := range names {
		line := fmt.Sprintf("%-*s %9.3f", longest, cut(short(name), longest), m.joints.Position[i])
		if len(m.joints.Velocity) == len(names) {
			line += fmt.Sprintf(" %9.3f", m.joints.Velocity[i])
		} else {
			line += fmt.Sprintf(" %9s", "-")
		}
		if k := slices.Index(m.names, name); k >= 0 && k < len(m.efforts) {
			line += fmt.Sprintf(" %9.3f", m.efforts[k])
			if k < len(m.limits) && bar >= 6 {
				line += "  " + gauge(m.efforts[k]/m.limits[k], bar)
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// gauge draws a share between -1 and 1 from the middle: "[   ##|     ]".
func gauge(share float64, width int) string {
	half := (min(width, 41) - 3) / 2
	if math.IsNaN(share) {
		return "[" + strings.Repeat("?", 2*half+1) + "]"
	}
	n := int(math.Round(math.Abs(math.Max(-1, math.Min(1, share))) * float64(half)))
	left, right := strings.Repeat(" ", half), strings.Repeat(" ", half)
	if filled := strings.Repeat("#", n) + strings.Repeat(" ", half-n); share >= 0 {
		right = filled
	} else {
		left = strings.Repeat(" ", half-n) + strings.Repeat("#", n)
	}
	return "[" + left + "|" + right + "]"
}

// healthLines say how the loop keeps its time, and which parts are not well.
func (m *Model) healthLines() (lines []string) {
	if v := m.health["timing"].values; len(v) > 0 {
		lines = append(lines, fmt.Sprintf("loop  ticks %s  overruns %s  latency p99 %s  compute p99 %s  jitter p99 %s",
			v["control ticks"], v["overruns"], v["latency p99"], v["compute p99"], v["jitter p99"]))
	}
	for _, name := range slices.Sorted(maps.Keys(m.health)) {
		if p := m.health[name]; p.level != 0 {
			lines = append(lines, fmt.Sprintf("%s  %s: %s", strings.ToUpper(level(p.level)), name, p.message))
		}
	}
	if m.malformed > 0 {
		lines = append(lines, fmt.Sprintf("%d messages were not of their topic's type", m.malformed))
	}
	return lines
}

func (m *Model) logLines() (lines []string) {
	for _, e := range m.log {
		lines = append(lines, e.Time.Format("15:04:05 ")+e.Text)
	}
	return lines
}

func costs(list []guided_policy_search_msgs.IterationReport) []float64 {
	out := make([]float64, len(list))
	for i := range list {
		out[i] = list[i].MeanCost
	}
	return out
}

// cut shortens a line to so many columns.
func cut(line string, columns int) string {
	if utf8.RuneCountInString(line) <= columns {
		return line
	}
	return string([]rune(line)[:columns-1]) + "…"
}
