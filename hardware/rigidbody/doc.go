// Package rigidbody computes the kinematics and dynamics of a robot that is an open tree of
// rigid bodies: mass matrix, inverse dynamics, gravity torques, link poses, Jacobians.
//
// The equations of motion of the controlled joints, q (n), are
//
//	M(q) ddq + Bias(q, dq) = tau,   Bias(q, dq) = C(q, dq) dq + Gravity(q)
//
// in rad, m, s, kg, N m and N. Friction in the joints is not part of Bias: Tree.Friction has it.
//
// The algorithms are those of R. Featherstone, Rigid Body Dynamics Algorithms (Springer, 2008):
// recursive Newton-Euler (chapter 5) and composite rigid bodies (chapter 6). Spatial vectors are
// kept in the axes of the base frame and about its origin (section 2.10 there calls them absolute
// coordinates). Velocities, forces and inertias of different bodies then add up as they are, which
// leaves one rotation per body. Lengths should be moderate: moments are rounded relative to the
// distance from the base frame's origin.
//
// The base frame is the frame of the model's root link.
package rigidbody
