package gen

import "strings"

// methods are names that fields cannot have in Go.
var methods = []string{"AppendCDR", "UnmarshalCDR", "EncodeCDR", "DecodeCDR", "TypeName", "TypeHash", "Definition", "SetDefaults"}

// GoName returns the Go name of a ROS field: parts of snake case capitalised, and an
// underscore after a name that is a method's.
func GoName(field string) string {
	var b strings.Builder
	for _, part := range strings.Split(field, "_") {
		if part != "" {
			b.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
	}
	for _, m := range methods {
		if b.String() == m {
			return m + "_"
		}
	}
	return b.String()
}

// snake returns the snake case of a ROS type: "MultiDOFJointTrajectoryPoint" becomes
// "multi_dof_joint_trajectory_point".
func snake(name string) string {
	upper := func(i int) bool { return i < len(name) && name[i] >= 'A' && name[i] <= 'Z' }
	var b strings.Builder
	for i := range name {
		if i > 0 && upper(i) && (!upper(i-1) || i+1 < len(name) && !upper(i+1)) {
			b.WriteByte('_')
		}
		b.WriteString(strings.ToLower(name[i : i+1]))
	}
	return b.String()
}
