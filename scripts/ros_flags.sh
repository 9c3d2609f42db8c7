#!/bin/sh
# Prints, for a shell to evaluate, where cgo finds the headers and libraries of the ROS 2
# installation and workspaces that are sourced (AMENT_PREFIX_PATH), of any distribution:
#   eval "$(scripts/ros_flags.sh)" && go build -tags rclgo ./node/cmd/...
# Flags that are there already come after these. Fails where no ROS 2 is sourced.
set -eu

if [ -z "${AMENT_PREFIX_PATH:-}" ]; then
	echo 'ros_flags.sh: no ROS 2 is sourced (AMENT_PREFIX_PATH is empty); run: . /opt/ros/<distribution>/setup.sh' >&2
	exit 1
fi

cflags=
ldflags=
timer=
old_ifs=$IFS
IFS=:
for prefix in $AMENT_PREFIX_PATH; do
	IFS=$old_ifs
	case $prefix in
	*[!A-Za-z0-9/._+~@-]*)
		echo "ros_flags.sh: $prefix of AMENT_PREFIX_PATH has a character that compiler flags cannot carry; install it elsewhere" >&2
		exit 1
		;;
	esac
	# Since Humble each package has a folder of headers to itself: include/rcl/rcl/rcl.h.
	for folder in "$prefix"/include/*/; do
		[ -d "$folder" ] || continue
		folder=${folder%/}
		if [ -d "$folder/$(basename "$folder")" ]; then
			cflags="$cflags -I$folder"
		fi
	done
	if [ -d "$prefix/include" ]; then
		cflags="$cflags -I$prefix/include"
	fi
	if [ -d "$prefix/lib" ]; then
		ldflags="$ldflags -L$prefix/lib -Wl,-rpath,$prefix/lib"
	fi
	for rcl in "$prefix/include/rcl/rcl" "$prefix/include/rcl"; do
		if [ -z "$timer" ] && [ -f "$rcl/timer.h" ]; then
			timer=$rcl/timer.h
		fi
	done
done
IFS=$old_ifs

if [ -z "$timer" ]; then
	echo "ros_flags.sh: none of AMENT_PREFIX_PATH=$AMENT_PREFIX_PATH has rcl/timer.h: install the development files of rcl (ros-<distribution>-rcl)" >&2
	exit 1
fi
# rclgo is of Humble's time: it calls what Jazzy deprecates and Kilted no longer has.
if grep -q '^rcl_timer_init($' "$timer"; then
	cflags="$cflags -Wno-deprecated-declarations"
else
	cflags="-I$(cd "$(dirname "$0")/.." && pwd)/node/transport/rclgo/older $cflags"
fi
printf "export CGO_CFLAGS='%s %s'\n" "${cflags# }" "${CGO_CFLAGS:--g -O2}"
printf "export CGO_LDFLAGS='%s %s'\n" "${ldflags# }" "${CGO_LDFLAGS:-}"
