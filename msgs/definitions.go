package msgs

import (
	"embed"
	"io/fs"
)

// Package is the ROS package of this project's own types.
const Package = "guided_policy_search_msgs"

//go:embed interfaces msg action
var definitions embed.FS

// Definitions returns the definitions that the types were generated from: a folder
// interfaces with one folder per ROS package, in each the folders msg, srv and action; and
// those of this project's own package at the top.
func Definitions() fs.FS { return definitions }
