// Package safety stands between every controller and the robot: it judges readings, bounds
// torques, and latches faults. Nothing in a control tick allocates, logs or blocks.
//
// A Filter is the one way to the robot: whoever publishes takes a Torque, which only a Filter
// makes. In a tick it checks and does, in this order:
//
//  1. The reading is finite, and so is what the model makes of it; else the torque is zero.
//  2. Positions, speeds and end-effector points are within their limits and margins.
//  3. The wanted torque is finite.
//  4. With a fault latched, by these or from elsewhere, the wish is the response: zero, which is
//     published at once, or damp, or hold. Without one it is the wanted torque, ramped in.
//  5. Soft walls change the wish near limits, where the quadratic programme does not do so.
//  6. The gravity compensation is added; the torque and slew limits bound the sum.
//  7. The quadratic programme changes it as little as the limits of position, speed and
//     workspace allow (barrier.go, stop.go); its bounds are the torque and slew limits.
//  8. The power limit narrows the bounds, and the programme is solved once more.
//
// The torque limit is never exceeded. Then come, where not all can be kept, the slew limit, the
// power limit, and the limits of position, speed and workspace, which are violated least.
//
// Guard judges when readings arrive, Deadlines whether the control loop keeps its time, Watchdog
// whether the learner lives. Their faults are latched by Filter.Trip. docs/safety.md lists every
// check with its parameters, defaults and tests.
package safety
