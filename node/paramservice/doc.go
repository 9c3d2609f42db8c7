// Package paramservice gives a node the parameter services of ROS 2, and calls those of
// other nodes.
//
// A Server offers the six services that tools expect beneath the node's name (get_parameters,
// set_parameters, set_parameters_atomically, list_parameters, describe_parameters,
// get_parameter_types) and publishes each change on /parameter_events. It answers as a node
// written on rclcpp does; where that one throws, because a request is hostile or wrong, it
// answers with a reason instead.
//
// What the services read and change is a Store. New makes one of the declared parameters of a
// configuration struct (params.Set).
//
// # Threads
//
// Requests are handled on the node's service goroutine, one at a time. The struct behind a
// params.Set belongs to the Server from New on: whoever reads or changes it does so inside
// Server.Do. The program itself sets parameters with Server.Set, under the rules of the services.
// Setting never writes into an array but replaces it whole, so a copy of the struct
// that is taken inside Do, c := *cfg, is consistent and stays as it is.
//
// # Bounds
//
// What one request may cost is bounded: its names, the parameters it sets, the size of its
// answer. What is above a bound is refused with a reason where the answer has room for one,
// and otherwise answered as rclcpp answers unknown names, with nothing.
package paramservice
