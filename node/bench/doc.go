// Command bench measures what the node adds to the round trip of a message: a robot publishes
// a joint state of 300 bytes and waits for the command that answers it, in another process on
// loopback, with the same domain configuration and quality of service for all. `make
// bench-ros2` calls it.
//
// The robot is one C program (peers/robot.c). It asks, in turns, so that whatever else the
// machine does hits all alike:
//
//	waitset   bare Cyclone DDS as its own round-trip example has it (peers/pong.c)
//	listener  the same, answering on the thread that receives
//	node      gps_node within a trial: its real tick, recording included
//	rclgo     the same with the build for ROS 2, under rmw_cyclonedds, where ROS 2 is sourced
//	rclcpp    a node on rclcpp (peers/rclcpp), also there
//
// A ratio is the median over the rounds of what the node took to what another took in the same
// round. With -soak it counts the memory of the node over many round trips instead.
package main
