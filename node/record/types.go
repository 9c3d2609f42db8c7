package record

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"guidedpolicysearch/msgs"
	"guidedpolicysearch/msgs/diagnostic_msgs"
	"guidedpolicysearch/msgs/geometry_msgs"
	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/msgs/trajectory_msgs"
)

// extraTypes are the types of extra topics, whose definitions recordings hold.
var extraTypes = map[string]func() msgs.Message{
	"diagnostic_msgs/msg/DiagnosticArray": func() msgs.Message { return new(diagnostic_msgs.DiagnosticArray) },
	"geometry_msgs/msg/Point":             func() msgs.Message { return new(geometry_msgs.Point) },
	"geometry_msgs/msg/Pose":              func() msgs.Message { return new(geometry_msgs.Pose) },
	"geometry_msgs/msg/PoseStamped":       func() msgs.Message { return new(geometry_msgs.PoseStamped) },
	"geometry_msgs/msg/Quaternion":        func() msgs.Message { return new(geometry_msgs.Quaternion) },
	"geometry_msgs/msg/Transform":         func() msgs.Message { return new(geometry_msgs.Transform) },
	"geometry_msgs/msg/Twist":             func() msgs.Message { return new(geometry_msgs.Twist) },
	"geometry_msgs/msg/Vector3":           func() msgs.Message { return new(geometry_msgs.Vector3) },
	"geometry_msgs/msg/Wrench":            func() msgs.Message { return new(geometry_msgs.Wrench) },
	"geometry_msgs/msg/WrenchStamped":     func() msgs.Message { return new(geometry_msgs.WrenchStamped) },
	"sensor_msgs/msg/CameraInfo":          func() msgs.Message { return new(sensor_msgs.CameraInfo) },
	"sensor_msgs/msg/CompressedImage":     func() msgs.Message { return new(sensor_msgs.CompressedImage) },
	"sensor_msgs/msg/Image":               func() msgs.Message { return new(sensor_msgs.Image) },
	"sensor_msgs/msg/Imu":                 func() msgs.Message { return new(sensor_msgs.Imu) },
	"sensor_msgs/msg/JointState":          func() msgs.Message { return new(sensor_msgs.JointState) },
	"std_msgs/msg/Bool":                   func() msgs.Message { return new(std_msgs.Bool) },
	"std_msgs/msg/Empty":                  func() msgs.Message { return new(std_msgs.Empty) },
	"std_msgs/msg/Float64":                func() msgs.Message { return new(std_msgs.Float64) },
	"std_msgs/msg/Float64MultiArray":      func() msgs.Message { return new(std_msgs.Float64MultiArray) },
	"std_msgs/msg/String":                 func() msgs.Message { return new(std_msgs.String) },
	"std_msgs/msg/UInt8MultiArray":        func() msgs.Message { return new(std_msgs.UInt8MultiArray) },
	"trajectory_msgs/msg/JointTrajectory": func() msgs.Message { return new(trajectory_msgs.JointTrajectory) },
}

// NewMessage returns a message of a type that an extra topic may have; the error says which there are.
func NewMessage(typeName string) (msgs.Message, error) {
	if m, ok := extraTypes[typeName]; ok {
		return m(), nil
	}
	return nil, fmt.Errorf("messages of type %q cannot be recorded, expected one of %s", typeName, strings.Join(slices.Sorted(maps.Keys(extraTypes)), ", "))
}
