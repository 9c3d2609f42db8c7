package main

import (
	"fmt"
	"io"

	"guidedpolicysearch/hardware/models"
	"guidedpolicysearch/hardware/rigidbody"
	"guidedpolicysearch/hardware/urdf"
)

// arm is the robot of the benchmark: seven joints, and two points of its hand, so that positions
// and velocities make dX=26.
type arm struct {
	names                          []string
	tree                           *rigidbody.Tree
	points                         *rigidbody.Points
	lower, upper, velocity, effort []float64
}

func newArm() (*arm, error) {
	data, err := models.Read(models.URI("arm7.urdf"))
	if err != nil {
		return nil, err
	}
	m, err := urdf.Parse(data)
	if err != nil {
		return nil, err
	}
	cfg := rigidbody.DefaultConfig()
	for i := range 7 {
		cfg.Joints = append(cfg.Joints, fmt.Sprintf("joint%d", i+1))
	}
	a := &arm{names: cfg.Joints}
	if a.tree, err = rigidbody.New(m, cfg); err != nil {
		return nil, err
	}
	if a.points, err = a.tree.Points("hand", [][3]float64{{0.05, 0, 0.1}, {-0.05, 0, 0.1}}); err != nil {
		return nil, err
	}
	a.lower, a.upper, a.velocity, a.effort = a.tree.Limits()
	return a, nil
}

func (a *arm) joints() int { return len(a.names) }

// say writes notes, a line each.
func say(out io.Writer, notes []string) error {
	for _, n := range notes {
		if _, err := fmt.Fprintln(out, n); err != nil {
			return err
		}
	}
	return nil
}
