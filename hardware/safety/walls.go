package safety

import "math"

// wallGains returns the gains of the soft walls, n each: those of the settings, or such that a
// wall reaches the torque limit at the position limit, and its damping at the velocity limit.
func (f *Filter) wallGains() (stiffness, damping []float64) {
	const brake = 0.1 // s, where no velocity limit is known
	stiffness, damping = make([]float64, f.n), make([]float64, f.n)
	for i, effort := range f.robot.EffortLimit {
		stiffness[i] = effort / f.cfg.PositionZone
		if len(f.cfg.WallStiffness) > 0 {
			stiffness[i] = f.cfg.WallStiffness[i]
		}
		damping[i] = stiffness[i] * brake
		if !math.IsInf(f.velocity[i], 0) {
			damping[i] = effort / f.velocity[i]
		}
		if len(f.cfg.WallDamping) > 0 {
			damping[i] = f.cfg.WallDamping[i]
		}
	}
	return stiffness, damping
}

// walls changes the wish near the limits of position, velocity and workspace: what pushes on
// towards a limit fades, and a spring and a damper push back. A joint counts as where it is, or as
// where its speed takes it within the delay if that is nearer to the limit.
func (f *Filter) walls() {
	zone, late := f.cfg.PositionZone, f.history.seconds()
	for i := range f.wish {
		q, v := f.position[i], f.dq[i]
		f.wall(i, 1, q+max(0, v)*late-(f.upper[i]-zone), v)
		f.wall(i, -1, f.lower[i]+zone-q-min(0, v)*late, -v)
		if limit := f.velocity[i]; !math.IsInf(limit, 0) {
			width := f.cfg.VelocityZone * limit
			if depth := math.Abs(v) - (limit - width); depth > 0 {
				f.acts |= VelocityWall
				side := math.Copysign(1, v)
				f.wish[i] = fade(f.wish[i], side, depth/width) - side*f.damping[i]*depth
			}
		}
	}
	if f.workspace != nil && f.workspace.push(f.wish, late) {
		f.acts |= WorkspaceWall
	}
}

// wall is the position wall of joint i on one side, depth within it; speed is towards it.
func (f *Filter) wall(i int, side, depth, speed float64) {
	if !(depth > 0) {
		return
	}
	f.acts |= PositionWall
	part := depth / f.cfg.PositionZone
	push := f.stiffness[i]*depth + f.damping[i]*max(0, speed)*min(part, 1)
	f.wish[i] = fade(f.wish[i], side, part) - side*min(push, largest)
}

// fade returns torque v less the part of it that pushes towards the side.
func fade(v, side, part float64) float64 {
	if v*side > 0 {
		return v * max(0, 1-part)
	}
	return v
}
