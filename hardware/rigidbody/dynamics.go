package rigidbody

// needInertias panics for a tree without.
func (t *Tree) needInertias() {
	if t.kinematicsOnly {
		panic("rigidbody: dynamics of a tree that was built with KinematicsOnly")
	}
}

// MassMatrix writes M, n x n, row-major, at joint positions q, n: symmetric and, where the
// links' inertias allow, positive definite (Featherstone, section 6.2, composite rigid bodies).
func (t *Tree) MassMatrix(dst, q []float64) {
	n := len(t.joints)
	checkLen("mass matrix", dst, n*n)
	t.inertias(q)
	clear(dst)
	for i := 1; i < len(t.bodies); i++ {
		b := &t.bodies[i]
		b.carried = b.mass
		b.firstMoment = b.com.scale(b.mass)
		b.carriedInertia = b.turned
		b.carriedInertia.addPoint(b.mass, b.com)
	}
	for i := len(t.bodies) - 1; i > 0; i-- {
		b := &t.bodies[i]
		if b.parent > 0 {
			p := &t.bodies[b.parent]
			p.carried += b.carried
			p.firstMoment = p.firstMoment.add(b.firstMoment)
			p.carriedInertia.add(&b.carriedInertia)
		}
		// The momentum of all that the joint carries per dq.
		force := b.axisLinear.scale(b.carried).add(b.axisAngular.cross(b.firstMoment))
		moment := b.carriedInertia.apply(b.axisAngular).add(b.firstMoment.cross(b.axisLinear))
		dst[b.column*n+b.column] += b.axisAngular.dot(moment) + b.axisLinear.dot(force)
		for j := b.parent; j > 0; {
			a := &t.bodies[j]
			shared := a.axisAngular.dot(moment) + a.axisLinear.dot(force)
			dst[a.column*n+b.column] += shared
			dst[b.column*n+a.column] += shared
			j = a.parent
		}
	}
}

// InverseDynamics writes the torques, n, that accelerate the joints at ddq, n, at positions q
// and velocities dq, n each: M ddq + Bias (Featherstone, section 5.3, recursive Newton-Euler).
func (t *Tree) InverseDynamics(dst, q, dq, ddq []float64) {
	n := len(t.joints)
	checkLen("torques", dst, n)
	checkLen("joint velocities", dq, n)
	checkLen("joint accelerations", ddq, n)
	t.inertias(q)
	// A base that accelerates upwards is as good as gravity (section 5.3).
	t.bodies[0].linearRate = t.gravity.scale(-1)
	for i := 1; i < len(t.bodies); i++ {
		b := &t.bodies[i]
		b.move(&t.bodies[b.parent], dq[b.column], ddq[b.column])
		velocity := b.linear.add(b.angular.cross(b.com))
		acceleration := b.linearRate.add(b.angularRate.cross(b.com)).add(b.angular.cross(velocity))
		b.force = acceleration.scale(b.mass)
		b.moment = b.turned.apply(b.angularRate).add(b.angular.cross(b.turned.apply(b.angular))).add(b.com.cross(b.force))
	}
	t.project(dst)
}

// move sets the velocity of b and its rate of change from its parent's.
func (b *body) move(parent *body, velocity, acceleration float64) {
	angular, linear := b.axisAngular.scale(velocity), b.axisLinear.scale(velocity)
	b.angular, b.linear = parent.angular.add(angular), parent.linear.add(linear)
	// The axis itself moves with the parent.
	b.angularRate = parent.angularRate.plus(acceleration, b.axisAngular).add(parent.angular.cross(angular))
	b.linearRate = parent.linearRate.plus(acceleration, b.axisLinear).add(parent.angular.cross(linear)).add(parent.linear.cross(angular))
}

// project writes the parts of the bodies' forces and moments that the joints bear.
func (t *Tree) project(dst []float64) {
	clear(dst)
	for i := len(t.bodies) - 1; i > 0; i-- {
		b := &t.bodies[i]
		dst[b.column] += b.axisAngular.dot(b.moment) + b.axisLinear.dot(b.force)
		if b.parent > 0 {
			p := &t.bodies[b.parent]
			p.force, p.moment = p.force.add(b.force), p.moment.add(b.moment)
		}
	}
}

// Bias writes the Coriolis, centrifugal and gravity torques, n, at joint positions q and
// velocities dq, n each.
func (t *Tree) Bias(dst, q, dq []float64) { t.InverseDynamics(dst, q, dq, t.nothing) }

// Gravity writes the torques, n, that hold the joints at rest at positions q, n: the gradient
// of the potential energy.
func (t *Tree) Gravity(dst, q []float64) {
	checkLen("torques", dst, len(t.joints))
	t.needInertias()
	t.forward(q)
	for i := 1; i < len(t.bodies); i++ {
		b := &t.bodies[i]
		b.force = t.gravity.scale(-b.mass)
		b.moment = b.com.cross(b.force)
	}
	t.project(dst)
}

// Friction writes the torques, n, that overcome the joints' own damping and dry (Coulomb)
// friction, as the model has them, at velocities dq, n: d dq + f sign(dq), and 0 at rest. With it
// the equations of motion are M ddq + Bias + Friction = tau.
func (t *Tree) Friction(dst, dq []float64) {
	checkLen("torques", dst, len(t.joints))
	checkLen("joint velocities", dq, len(t.joints))
	for i, v := range dq {
		dst[i] = t.damping[i] * v
		if v > 0 {
			dst[i] += t.dry[i]
		} else if v < 0 {
			dst[i] -= t.dry[i]
		}
	}
}
