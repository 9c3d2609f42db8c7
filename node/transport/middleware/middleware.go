// Package middleware chooses the transport that the programs are built with: Cyclone DDS,
// which needs no ROS installation, or with the build tag rclgo what a ROS 2 installation has,
// any RMW. A program holds one of them: two copies of a DDS library in one process disturb
// each other.
package middleware
