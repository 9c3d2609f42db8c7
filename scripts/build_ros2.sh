#!/bin/sh
# Builds the programs against the ROS 2 that is sourced, into a folder:
#   scripts/build_ros2.sh FOLDER
# It takes modules from vendor/ if that is there, else from Go's module cache, else from the
# network as GOPROXY has it.
set -eu
# shellcheck source=scripts/packages.sh
. "$(dirname "$0")/packages.sh"

[ $# -eq 1 ] || fail "expected one argument, the folder for the programs; got $#"
case $1 in
/*) folder=$1 ;;
*) folder=$PWD/$1 ;;
esac
cd "$(dirname "$0")/.."

command -v go >/dev/null 2>&1 ||
	fail 'the go command is not in PATH: install Go 1.24 or newer (https://go.dev/dl)'
# No other toolchain is downloaded in the middle of a build.
export GOTOOLCHAIN=local
packages='./node/cmd/gps_node ./node/cmd/sim_robot ./node/cmd/gps'
tags="rclgo $(scripts/mujoco_tag.sh)"
# shellcheck disable=SC2086 # three packages
said=$(go list -deps -tags "$tags" $packages 2>&1 >/dev/null) || fail "the module cannot be built here:
$(echo "$said" | tail -n 3)
$(go version) is used, and Go 1.24 or newer is needed (https://go.dev/dl). If modules are missing, run \`go mod download\` in $PWD where there is a network (it fills \$GOMODCACHE, $(go env GOMODCACHE)), or run \`go mod vendor\` there and bring vendor/ along."
flags=$(scripts/ros_flags.sh)
eval "$flags"
# shellcheck disable=SC2086
exec go build -buildvcs=false -tags "$tags" -o "$folder/" $packages
