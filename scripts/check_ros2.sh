#!/usr/bin/env bash
# Checks the node against the tools of the ROS 2 that is sourced: it starts robot and node,
# runs a tool for each row, and says whether the row holds.
#   scripts/check_ros2.sh [--build default|rclgo|all] [--domain N] [--json]
# Everything is on loopback, in a domain of its own. Rows whose tool or package is not
# installed are skipped. Exit status: 0 no row failed, 1 a row failed, 2 it could not start.
set -uo pipefail
set -m # each program that is started is a process group, and takes Ctrl-C
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2

usage='usage: scripts/check_ros2.sh [--build default|rclgo|all] [--domain N] [--json]'
builds='default rclgo'
domain=87
json=
patience=${CHECK_PATIENCE:-60} # in seconds, for one row
while [ $# -gt 0 ]; do
	case $1 in
	--build)
		case ${2:-} in
		all) ;;
		default | rclgo) builds=$2 ;;
		*) echo "$usage" >&2 && exit 2 ;;
		esac
		shift 2
		;;
	--domain) domain=${2:?$usage} && shift 2 ;;
	--json) json=yes && shift ;;
	*) echo "$usage" >&2 && exit 2 ;;
	esac
done
if [ -z "${ROS_DISTRO:-}" ] || ! command -v ros2 >/dev/null; then
	echo 'check_ros2.sh: no ROS 2 is sourced (ROS_DISTRO, and ros2 in PATH); run: . /opt/ros/<distribution>/setup.sh' >&2
	exit 2
fi

export ROS_DOMAIN_ID=$domain PYTHONUNBUFFERED=1 PYTHONWARNINGS=ignore RCUTILS_COLORIZED_OUTPUT=0
case $ROS_DISTRO in
[a-h]*) export ROS_LOCALHOST_ONLY=1 ;;
*)
	unset ROS_LOCALHOST_ONLY && export ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST
	# The range alone leaves rmw_cyclonedds_cpp on all interfaces.
	lo='<CycloneDDS><Domain><General><Interfaces><NetworkInterface address="127.0.0.1"/></Interfaces></General></Domain></CycloneDDS>'
	export CYCLONEDDS_URI=${CYCLONEDDS_URI:-$lo}
	;;
esac
work=$(mktemp -d)
export ROS_LOG_DIR=$work/log
installed=$AMENT_PREFIX_PATH
task=params/planar_arm.yaml
node=/guided_policy_search
failures=0
declare -A present=()
declare -a started=()

# end sends Ctrl-C to process groups that this script started, and waits for them.
end() {
	local pid
	for pid; do
		kill -INT -- "-$pid" 2>/dev/null || continue
		for _ in $(seq 150); do
			kill -0 "$pid" 2>/dev/null || break
			sleep 0.1
		done
		kill -KILL -- "-$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
}

clean() {
	end "${started[@]}"
	ros2 daemon stop >/dev/null 2>&1
	rm -rf "$work"
}
trap clean EXIT
trap 'exit 2' INT TERM

# background starts a program, with its output in a file; its process id is in $!.
background() {
	local out=$1
	shift
	"$@" >"$out" 2>&1 </dev/null &
	started+=($!)
}

# has says if the command line has a verb, such as lifecycle.
has() {
	[ "$1" = - ] && return 0
	if [ -z "${present[$1]:-}" ]; then
		present[$1]=no
		# Of an unknown verb it prints its own usage.
		if ros2 "$1" --help 2>/dev/null | grep -q "^usage: ros2 $1"; then present[$1]=yes; fi
	fi
	[ "${present[$1]}" = yes ]
}

# result notes a row: result ROW pass|fail|skip COMMAND [FILE with what was printed].
result() {
	local word=${2^^}
	printf '%s\t%s\t%s\t%s\t%s\n' "$build" "$RMW_IMPLEMENTATION" "$1" "$2" "$3" >>"$work/rows"
	[ -n "$json" ] || printf '%-4s  %-7s  %-18s  %-42s  %s\n' "$word" "$build" "$RMW_IMPLEMENTATION" "$1" "$3"
	if [ "$2" = fail ]; then
		failures=$((failures + 1))
		[ -z "${4:-}" ] || tail -n 25 "$4" | sed 's/^/        | /' >&2
	fi
}

# seen says if a file has a match of each expression.
seen() {
	local file=$1 expression
	shift
	for expression; do
		grep -Pqz -- "$expression" "$file" || return 1
	done
}

# row checks what a command prints: row [-s|-r] [-c SHOWN] NAME VERB EXPRESSION... -- COMMAND...
# The command ends by itself; with -s it goes on until everything was seen, and with -r it is
# repeated until then, because discovery takes its time. SHOWN is what a user would type, where
# that is not the command.
row() {
	local stream='' repeat='' shown='' name verb
	case $1 in
	-s) stream=yes && shift ;;
	-r) repeat=yes && shift ;;
	esac
	if [ "$1" = -c ]; then shown=$2 && shift 2; fi
	name=$1 verb=$2
	shift 2
	local -a wanted=()
	while [ "$1" != -- ]; do wanted+=("$1") && shift; done
	shift
	: "${shown:=$*}"
	if ! has "$verb"; then
		result "$name" skip "ros2 $verb is not installed"
		return
	fi
	local out=$work/out pid end=$((SECONDS + patience))
	while :; do
		"$@" >"$out" 2>&1 </dev/null &
		pid=$!
		while kill -0 "$pid" 2>/dev/null && [ $SECONDS -lt $end ]; do
			if [ -n "$stream" ] && seen "$out" "${wanted[@]}"; then break; fi
			sleep 0.1
		done
		end "$pid"
		if [ -z "$repeat" ] || [ $SECONDS -ge $end ] || seen "$out" "${wanted[@]}"; then break; fi
	done
	if seen "$out" "${wanted[@]}" && ! grep -q 'Traceback (most recent' "$out"; then
		result "$name" pass "$shown"
	else
		result "$name" fail "$shown" "$out"
	fi
}

# await waits until a command prints a match of an expression.
await() {
	local expression=$1 end=$((SECONDS + patience))
	shift
	while [ $SECONDS -lt $end ]; do
		"$@" >"$work/await" 2>&1 </dev/null
		if grep -Pqz -- "$expression" "$work/await"; then return 0; fi
		sleep 0.2
	done
	return 1
}

# ours becomes one of the programs. The default build chooses the interface itself, and
# Cyclone DDS refuses to be told of it twice.
ours() {
	if [ "$build" = default ]; then unset CYCLONEDDS_URI; fi
	exec "$@"
}

# start_pair starts robot and node. The node waits for commands, the robot runs faster than
# real time, but slowly enough to be looked at.
start_pair() {
	background "$work/robot" ours "$programs/sim_robot" --ros-args --params-file "$task" -p real_time_factor:=10.0
	robot_pid=$!
	background "$work/node" ours "$programs/gps_node" --ros-args --params-file "$task" \
		-p autostart:=false -p exit_when_done:=false -p runs_folder:="$work/runs"
	node_pid=$!
	if ! await "$node" ros2 node list || ! await /sim_robot ros2 node list; then
		result 'robot and node come up' fail 'ros2 node list' "$work/node"
		return 1
	fi
}

check_graph() {
	row -r 'node list' node "(^|\n)$node\n" '(^|\n)/sim_robot\n' -- ros2 node list
	row -r 'node info' node "$node/state: guided_policy_search_msgs/msg/NodeState" '/joint_states: sensor_msgs/msg/JointState' \
		"$node/start: std_srvs/srv/Trigger" "$node/train: guided_policy_search_msgs/action/Train" \
		"$node/change_state: lifecycle_msgs/srv/ChangeState" -- ros2 node info $node
	row -r 'topic list' topic "$node/cost \[std_msgs/msg/Float64\]" '/rosout \[' '/diagnostics \[' '/parameter_events \[' -- ros2 topic list -t
	row -r 'topic info -v' topic "Node name: guided_policy_search" 'Reliability: RELIABLE' 'Durability: TRANSIENT_LOCAL' -- ros2 topic info -v $node/state
	row -r 'service list' service "$node/stop \[std_srvs/srv/Trigger\]" "$node/describe_parameters \[" -- ros2 service list -t
	row 'service type' service 'std_srvs/srv/Trigger' -- ros2 service type $node/save
}

check_topics() {
	row -s 'topic echo, late joiner' topic 'phase: [0-9]' 'ticks:' -- \
		ros2 topic echo --qos-durability transient_local --qos-reliability reliable $node/state guided_policy_search_msgs/msg/NodeState
	row -s 'topic hz' topic 'average rate: [0-9.]+' -- ros2 topic hz /joint_states
	row -s 'diagnostics' topic 'guided_policy_search: arm' 'guided_policy_search: middleware' -- ros2 topic echo /diagnostics diagnostic_msgs/msg/DiagnosticArray
}

check_parameters() {
	local file=$work/dump.yaml
	row 'param list' param '  iterations\n' '  use_sim_time\n' '  algorithm.kl_step\n' -- ros2 param list $node
	row 'param get' param 'Integer value is: 1\n' -- ros2 param get $node seed
	row 'param set' param 'Set parameter successful' -- ros2 param set $node iterations 3
	row 'param set, taken over' param 'Integer value is: 3\n' -- ros2 param get $node iterations
	row 'param set, out of range, says why' param 'failed: .*iterations' -- ros2 param set $node iterations -- -1
	row 'param set, read-only, says why' param 'failed: .*read' -- ros2 param set $node autostart true
	row 'param set, an array' param 'Set parameter successful' -- ros2 param set $node reset.stiffness '[6.0, 1.0]'
	row 'param describe' param 'Parameter name: dt\n' 'Type: double' 'Description: .*trial' 'Constraints:' -- ros2 param describe $node dt
	if has param; then ros2 param dump $node >"$file" 2>/dev/null; fi
	row -c "ros2 param dump $node" 'param dump' param "$node:" 'ros__parameters:' 'kl_step: 1.0' -- cat "$file"
	sed -i "/: ''\$/d" "$file" # the tool of Humble cannot load an empty string
	row 'param load' param 'Set parameter iterations successful' -- ros2 param load $node "$file"
	background "$work/events" ros2 topic echo /parameter_events rcl_interfaces/msg/ParameterEvent
	local echo_pid=$!
	background "$work/rosout" ros2 topic echo /rosout rcl_interfaces/msg/Log
	local rosout_pid=$!
	sleep 2 # until they listen; a second set tells them again
	row -c "ros2 topic echo /parameter_events, /rosout; ros2 param set $node samples 3" 'parameter_events, rosout' topic 'name: samples' 'parameter samples is set' -- bash -c "
		for n in 3 4 3 4 3 4; do
			ros2 param set $node samples \$n
			if grep -q 'name: samples' '$work/events' && grep -q 'samples is set' '$work/rosout'; then break; fi
		done
		cat '$work/events' '$work/rosout'"
	end $echo_pid $rosout_pid
}

check_lifecycle() {
	row -r 'lifecycle nodes' lifecycle "$node" -- ros2 lifecycle nodes
	row 'lifecycle get' lifecycle 'unconfigured \[1\]' -- ros2 lifecycle get $node
	row 'lifecycle list' lifecycle 'configure \[1\]' -- ros2 lifecycle list $node
	row 'param set, enough iterations to look at' param 'Set parameter successful' -- ros2 param set $node iterations 500
	row 'lifecycle set configure' lifecycle 'Transitioning successful' -- ros2 lifecycle set $node configure
	row 'lifecycle set activate' lifecycle 'Transitioning successful' -- ros2 lifecycle set $node activate
	row 'lifecycle get, active' lifecycle 'active \[3\]' -- ros2 lifecycle get $node
	row -s 'topic echo, commands while active' topic 'data:' -- ros2 topic echo /effort_controller/commands std_msgs/msg/Float64MultiArray
	row 'param set, active, waits for no restart' param 'Set parameter successful' -- ros2 param set $node iterations 600
	row 'param set, active, of another problem' param 'failed: .*configured' -- ros2 param set $node dt 0.1
	row 'lifecycle set deactivate' lifecycle 'Transitioning successful' -- ros2 lifecycle set $node deactivate
	row 'lifecycle set cleanup' lifecycle 'Transitioning successful' -- ros2 lifecycle set $node cleanup
	row 'lifecycle set, not allowed' lifecycle 'Unknown transition|[Tt]ransition' -- ros2 lifecycle set $node deactivate
}

check_requests() {
	row 'service call start' service 'success=True' -- ros2 service call $node/start std_srvs/srv/Trigger
	row -s 'topic echo, cost of a trial' topic 'data: [0-9]' -- ros2 topic echo --qos-durability transient_local --qos-reliability reliable $node/cost std_msgs/msg/Float64
	row -s 'topic echo, mean cost of an iteration' topic 'data: [0-9]' -- ros2 topic echo --qos-durability transient_local --qos-reliability reliable $node/mean_cost std_msgs/msg/Float64
	row 'service call save' service 'success=True' 'controllers after iteration' -- ros2 service call $node/save std_srvs/srv/Trigger
	row 'service call abort_trial' service 'success=' 'message=' -- ros2 service call $node/abort_trial std_srvs/srv/Trigger
	row 'service call reset_fault, without a fault' service 'success=False' -- ros2 service call $node/reset_fault std_srvs/srv/Trigger
	row 'service call stop' service 'success=True' 'torque is zero' -- ros2 service call $node/stop std_srvs/srv/Trigger
	row 'topic pub start' topic 'publishing' -- ros2 topic pub --once $node/start std_msgs/msg/Empty
	row -c "ros2 lifecycle get $node" 'topic pub start, taken' lifecycle 'active \[3\]' -- bash -c "until ros2 lifecycle get $node | grep -q '^active'; do :; done; ros2 lifecycle get $node"
	row 'topic pub stop' topic 'publishing' -- ros2 topic pub --once $node/stop std_msgs/msg/Empty
	row -c "ros2 lifecycle get $node" 'topic pub stop, taken' lifecycle 'inactive \[2\]' -- bash -c "until ros2 lifecycle get $node | grep -q inactive; do :; done; ros2 lifecycle get $node"
}

# told checks what the node's state says after a request.
told() {
	row -s -c "ros2 topic echo $node/state" "$@" -- \
		ros2 topic echo --qos-durability transient_local --qos-reliability reliable $node/state guided_policy_search_msgs/msg/NodeState
}

# Phases are 3 HOLD, 4 FAULT, 6 RELAX.
check_emergency() {
	row 'service call relax, without an arm' service 'success=False' 'not active' -- ros2 service call $node/relax std_srvs/srv/Trigger
	row 'service call start, to relax' service 'success=True' -- ros2 service call $node/start std_srvs/srv/Trigger
	row 'service call relax' service 'success=True' 'let go of' -- ros2 service call $node/relax std_srvs/srv/Trigger
	told 'service call relax, taken' topic 'phase: 6\n'
	row 'service call start, takes hold' service 'success=True' 'held again' -- ros2 service call $node/start std_srvs/srv/Trigger
	told 'service call start, taken' topic 'phase: [123]\n'
	row 'topic pub relax' topic 'publishing' -- ros2 topic pub --once $node/relax std_msgs/msg/Empty
	told 'topic pub relax, taken' topic 'phase: 6\n'
	row 'service call emergency_stop' service 'success=True' 'pressed' -- ros2 service call $node/emergency_stop std_srvs/srv/Trigger
	told 'service call emergency_stop, taken' topic 'phase: 4\n' 'fault: .*emergency stop'
	row -s -c "ros2 topic echo /diagnostics" 'emergency_stop, in the diagnostics' topic 'emergency stop' -- ros2 topic echo /diagnostics diagnostic_msgs/msg/DiagnosticArray
	row -s -c "ros2 topic echo /effort_controller/commands" 'emergency_stop, torque' topic 'data:\n- -?0\.0\n- -?0\.0\n' -- ros2 topic echo /effort_controller/commands std_msgs/msg/Float64MultiArray
	row 'reset_fault, while it is pressed' service 'success=False' 'emergency stop' -- ros2 service call $node/reset_fault std_srvs/srv/Trigger
	row 'topic pub emergency_stop, false' topic 'publishing' -- ros2 topic pub --once $node/emergency_stop std_msgs/msg/Bool '{data: false}'
	row -r 'reset_fault, when it is released' service 'success=True' -- ros2 service call $node/reset_fault std_srvs/srv/Trigger
	told 'reset_fault, taken' topic 'phase: [0136]\n'
	row 'topic pub emergency_stop, true' topic 'publishing' -- ros2 topic pub --once $node/emergency_stop std_msgs/msg/Bool '{data: true}'
	told 'topic pub emergency_stop, taken' topic 'phase: 4\n' 'fault: .*emergency stop'
	row 'service call release_emergency_stop' service 'success=True' 'is released' -- ros2 service call $node/release_emergency_stop std_srvs/srv/Trigger
	told 'service call release_emergency_stop, the fault stays' topic 'phase: 4\n' 'fault: .*emergency stop'
	row 'reset_fault, when the service released it' service 'success=True' -- ros2 service call $node/reset_fault std_srvs/srv/Trigger
	told 'reset_fault, taken when the service released it' topic 'phase: [0136]\n'
	row 'service call emergency_stop, for a topic to release' service 'success=True' 'pressed' -- ros2 service call $node/emergency_stop std_srvs/srv/Trigger
	row 'topic pub release_emergency_stop' topic 'publishing' -- ros2 topic pub --once $node/release_emergency_stop std_msgs/msg/Empty
	row -r 'reset_fault, when the topic released it' service 'success=True' -- ros2 service call $node/reset_fault std_srvs/srv/Trigger
	told 'reset_fault, taken when the topic released it' topic 'phase: [0136]\n'
	row 'service call stop, after the emergency' service 'success=True' -- ros2 service call $node/stop std_srvs/srv/Trigger
}

check_action() {
	row -r 'action list' action "$node/train \[guided_policy_search_msgs/action/Train\]" -- ros2 action list -t
	row -r 'action info' action 'Action servers: 1' -- ros2 action info $node/train
	row 'lifecycle set cleanup, for a new run' lifecycle 'Transitioning successful' -- ros2 lifecycle set $node cleanup
	row 'action send_goal --feedback' action 'Feedback:' 'cost:' 'SUCCEEDED' -- \
		ros2 action send_goal --feedback $node/train guided_policy_search_msgs/action/Train '{iterations: 4}'
	row -c "ros2 action send_goal --feedback $node/train ...; Ctrl-C" 'action, canceled by Ctrl-C' action 'Feedback:' 'inactive \[2\]' -- bash -c "set -m
		ros2 action send_goal --feedback $node/train guided_policy_search_msgs/action/Train '{iterations: 500}' >'$work/goal' 2>&1 &
		until grep -q Feedback '$work/goal'; do sleep 0.2; done
		kill -INT -- -\$!; wait \$!
		until ros2 lifecycle get $node | grep -q inactive; do :; done
		cat '$work/goal'; ros2 lifecycle get $node"
}

check_bag() {
	local bag=$work/bag_$build
	row -s 'bag record' bag 'Subscribed to topic .*/joint_states' "Subscribed to topic .*$node/state" -- ros2 bag record -o "$bag" /joint_states $node/state $node/cost /diagnostics
	row 'bag info' bag 'Topic: /joint_states \| Type: sensor_msgs/msg/JointState' "$node/state" -- ros2 bag info "$bag"
	background "$work/played" ros2 topic echo --qos-durability transient_local --qos-reliability reliable /played guided_policy_search_msgs/msg/NodeState
	local echo_pid=$!
	row -c "ros2 bag play BAG; ros2 topic echo" 'bag play' bag 'phase:' -- bash -c "
		for i in 1 2 3 4 5; do
			ros2 bag play '$bag' --topics $node/state --remap $node/state:=/played
			if grep -q phase: '$work/played'; then break; fi
		done
		cat '$work/played'"
	end $echo_pid
}

# The last torque that was published is zero, and the exit status is 0.
check_signal() {
	row 'service call start again' service 'success=True' -- ros2 service call $node/start std_srvs/srv/Trigger
	background "$work/commands" ros2 topic echo --csv /effort_controller/commands std_msgs/msg/Float64MultiArray
	local echo_pid=$! status
	await ',-?[0-9.e-]*[1-9][0-9.e-]*\n' cat "$work/commands"
	kill -INT "$node_pid"
	wait "$node_pid"
	status=$?
	await ',-?0\.0,-?0\.0\n$' tail -n 1 "$work/commands"
	end $echo_pid
	row -c "kill -INT; ros2 topic echo /effort_controller/commands" 'SIGINT: zero torque, exit status 0' topic ',-?0\.0,-?0\.0\n' 'status 0' -- bash -c "tail -n 1 '$work/commands'; echo status $status"
}

# What concerns the network: other RMWs see the topics of the node.
check_other_rmw() {
	if [ ! -e "$(prefix_of rmw_fastrtps_cpp)/lib/librmw_fastrtps_cpp.so" ]; then
		result 'topics under rmw_fastrtps_cpp' skip 'rmw_fastrtps_cpp is not installed'
		return
	fi
	RMW_IMPLEMENTATION=rmw_fastrtps_cpp
	row -s 'topic echo, late joiner' topic 'phase: [0-9]' -- \
		ros2 topic echo --qos-durability transient_local --qos-reliability reliable $node/state guided_policy_search_msgs/msg/NodeState
	row -s 'topic hz' topic 'average rate' -- ros2 topic hz /joint_states
	row -r 'topic list' topic "$node/mean_cost" '/joint_states' -- ros2 topic list --no-daemon --spin-time 3
	row -r 'topic info -v' topic 'Node name: guided_policy_search' -- ros2 topic info -v --no-daemon --spin-time 3 $node/cost
	row -r 'node list' node "$node" -- ros2 node list --no-daemon --spin-time 3
	row 'topic pub start' topic 'publishing' -- ros2 topic pub -t 3 -w 1 $node/start std_msgs/msg/Empty
	row -s 'topic echo, commands while active' topic 'data:' -- ros2 topic echo /effort_controller/commands std_msgs/msg/Float64MultiArray
	row 'topic pub stop' topic 'publishing' -- ros2 topic pub -t 3 -w 1 $node/stop std_msgs/msg/Empty
	RMW_IMPLEMENTATION=rmw_cyclonedds_cpp
}

# prefix_of says where a package is installed, with nothing if it is not.
prefix_of() {
	local prefix
	for prefix in ${AMENT_PREFIX_PATH//:/ }; do
		[ ! -e "$prefix/share/ament_index/resource_index/packages/$1" ] || { echo "$prefix" && return; }
	done
}

# prefix lays the package out as colcon installs it, with the programs of a build.
lay_out() {
	local prefix=$work/prefix_$build package=guided_policy_search
	mkdir -p "$prefix/lib/$package" "$prefix/share/$package" "$prefix/share/ament_index/resource_index/packages"
	cp "$programs"/{gps_node,sim_robot,gps} "$prefix/lib/$package/"
	cp -r launch params node/package.xml "$prefix/share/$package/"
	: >"$prefix/share/ament_index/resource_index/packages/$package"
	export AMENT_PREFIX_PATH=$prefix:$installed
}

check_launch() {
	local uri=${CYCLONEDDS_URI:-}
	lay_out
	if [ "$build" = default ]; then unset CYCLONEDDS_URI; fi # as in ours
	sed 's/real_time_factor: .*/real_time_factor: 1.0/' "$task" >"$work/real_time.yaml"
	local short=$work/short.yaml
	sed 's/iterations: 10/iterations: 2/; /reference:/,$d' "$task" >"$short"
	row 'pkg executables' pkg 'gps_node' 'sim_robot' -- ros2 pkg executables guided_policy_search
	row -s 'run, with remaps and parameters' run 'unconfigured|waiting|joint_states|configured' -- ros2 run guided_policy_search gps_node --ros-args -r __ns:=/elsewhere --params-file "$short" -p runs_folder:="$work/runs"
	row 'launch --show-args' launch "'params_file'" "'namespace'" "'simulated'" "'runs_folder'" "'autostart'" -- ros2 launch guided_policy_search planar_arm.launch.py --show-args
	row 'launch, until it has learned' launch 'gps_node-2\]: process has finished cleanly' 'sim_robot-1\]: process has finished cleanly' -- \
		ros2 launch guided_policy_search planar_arm.launch.py runs_folder:="$work/launched"
	row 'launch of XML, in a namespace' launch 'gps_node-2\]: process has finished cleanly' 'sim_robot-1\]: process has finished cleanly' -- \
		ros2 launch guided_policy_search planar_arm.launch.xml namespace:=arm1 runs_folder:="$work/launched" params_file:="$short"
	row -c "ros2 launch guided_policy_search planar_arm.launch.py namespace:=arm1, namespace:=arm2" 'launch, two side by side' launch 'arm1: 0' 'arm2: 0' 'arm1 .*finished cleanly' 'arm2 .*finished cleanly' -- bash -c "set -m
		for arm in arm1 arm2; do
			ros2 launch guided_policy_search planar_arm.launch.py namespace:=\$arm runs_folder:='$work/'\$arm params_file:='$short' >'$work/'\$arm.log 2>&1 &
		done
		for arm in arm1 arm2; do wait -n; echo \$arm: \$?; done
		sed 's/^/arm1 /' '$work/arm1.log'; sed 's/^/arm2 /' '$work/arm2.log'"
	row -c "ros2 launch guided_policy_search planar_arm.launch.py; Ctrl-C" 'launch, Ctrl-C' launch 'gps_node-2\]: process has finished cleanly' 'sim_robot-1\]: process has finished cleanly' -- bash -c "set -m
		ros2 launch guided_policy_search planar_arm.launch.py runs_folder:='$work/launched' params_file:='$work/real_time.yaml' >'$work/launch.log' 2>&1 &
		until grep -q 'configured' '$work/launch.log'; do sleep 0.2; done
		sleep 1; kill -INT -- -\$!; wait \$!
		cat '$work/launch.log'"
	check_launch_files
	check_ros2_control
	AMENT_PREFIX_PATH=$installed
	if [ -n "$uri" ]; then export CYCLONEDDS_URI=$uri; fi
}

# interrupted launches, waits until the node is active and joint states come, and presses Ctrl-C.
interrupted() {
	local log=$work/interrupted launched began
	set -m
	ros2 launch "$@" runs_folder:="$work/launched" >"$log" 2>&1 &
	launched=$!
	trap 'kill -INT -- -$launched; wait $launched' INT
	until ros2 lifecycle get $node 2>&1 | grep '^active'; do sleep 0.2; done
	ros2 topic echo --once /joint_states sensor_msgs/msg/JointState
	ros2 topic echo --once /effort_controller/commands std_msgs/msg/Float64MultiArray
	began=$SECONDS
	kill -INT -- -$launched
	wait $launched
	echo "status $?, $((SECONDS - began)) s"
	cat "$log"
}

# Files of a checkout start what make build made, those of the package what is installed.
check_launch_files() {
	local name
	local -a ended=('active \[3\]' 'position:\n- ' 'data:\n- ' 'status 0, [0-9] s')
	for name in arm7_reach peg_insertion planar_pusher; do
		row -c "ros2 launch guided_policy_search $name.launch.py; Ctrl-C" "launch of $name" launch "${ended[@]}" \
			'gps_node-2\]: process has finished cleanly' 'sim_robot-1\]: process has finished cleanly' -- interrupted guided_policy_search $name.launch.py
	done
	if [ "$build" = default ]; then
		row -c 'ros2 launch launch/arm7_reach.launch.py; Ctrl-C' 'launch of arm7_reach, from a checkout' launch "${ended[@]}" \
			'gps_node-2\]: process has finished cleanly' 'sim_robot-1\]: process has finished cleanly' -- interrupted launch/arm7_reach.launch.py
	fi
}

# check_ros2_control launches the node for an arm of mock hardware, which mirrors torques and
# does not move.
check_ros2_control() {
	local name='launch of ros2_control' package mock=$work/mock
	for package in controller_manager joint_state_broadcaster effort_controllers; do
		if [ -z "$(prefix_of $package)" ]; then
			result "$name" skip "$package is not installed"
			return
		fi
	done
	scripts/mock_arm.py hardware/models/arm7.urdf params/robots/mujoco_ros2_control.yaml "$mock" || {
		result "$name" fail scripts/mock_arm.py
		return
	}
	# shellcheck disable=SC2088 # a name of ROS's
	background "$mock/manager" "$(prefix_of controller_manager)/lib/controller_manager/ros2_control_node" --ros-args \
		--params-file "$mock/manager.yaml" -r '~/robot_description:=/robot_description'
	local manager=$!
	background "$mock/description" ros2 topic pub -r 0.01 --qos-durability transient_local --qos-reliability reliable /robot_description std_msgs/msg/String "$(cat "$mock/description.yaml")"
	local description=$!
	row -c 'ros2 run controller_manager spawner joint_state_broadcaster' 'controller manager comes up' run 'Configured and activated' -- \
		"$(prefix_of controller_manager)/lib/controller_manager/spawner" joint_state_broadcaster
	row -c 'ros2 launch guided_policy_search ros2_control.launch.py spawn:=effort_controller ...; Ctrl-C' "$name" launch 'active \[3\]' 'position:\n- ' 'data:\n- ' 'status 0, [0-9] s' \
		'Configured and activated .*effort_controller' 'gps_node-[12]\]: process has finished cleanly' -- \
		interrupted guided_policy_search ros2_control.launch.py params_file:="$mock/node.yaml" spawn:=effort_controller autostart:=true
	row -c 'ros2 topic echo --once /joint_states' "$name, zero torque after" topic 'effort:\n(- -?0\.0\n){7}' -- ros2 topic echo --once /joint_states sensor_msgs/msg/JointState
	end $description $manager
}

check_distribution() {
	case $ROS_DISTRO in
	[a-i]*) ;;
	*)
		row -c "ros2 service call $node/get_type_description ..." 'type description' service 'successful=True' -- bash -c "
			hash=\$(ros2 topic info -v $node/cost | grep -o 'RIHS01_[0-9a-f]*' | head -n 1)
			ros2 service call $node/get_type_description type_description_interfaces/srv/GetTypeDescription \
				\"{type_name: 'std_msgs/msg/Float64', type_hash: '\$hash', include_type_sources: false}\""
		row 'type hash' topic 'Topic type hash: RIHS01_[0-9a-f]{64}' -- ros2 topic info -v $node/cost
		;;
	esac
}

# build_messages builds the package of messages for the tools.
build_messages() {
	echo 'building guided_policy_search_msgs for the tools, which takes minutes' >&2
	colcon --log-base "$work/colcon" build --base-paths msgs --build-base "$work/build_msgs" --install-base "$work/install" >"$work/build" 2>&1 || return
	set +u
	# shellcheck source=/dev/null
	. "$work/install/local_setup.bash"
	set -u
	installed=$AMENT_PREFIX_PATH
}

# build_programs builds the programs and says where they are.
build_programs() {
	case $build in
	default) programs=$PWD/bin && make -s build ;;
	rclgo) programs=$PWD/bin/rclgo && scripts/build_ros2.sh "$programs" ;;
	esac >"$work/build" 2>&1 || {
		result 'build' fail "$build" "$work/build"
		return 1
	}
}

: >"$work/rows"
if [ -z "$(prefix_of guided_policy_search_msgs)" ]; then
	build_messages || {
		tail -n 25 "$work/build" >&2
		echo 'check_ros2.sh: guided_policy_search_msgs is not there and cannot be built: see above, build it (colcon build --packages-select guided_policy_search_msgs) and source install/setup.bash' >&2
		exit 2
	}
fi
if [ ! -e "$(prefix_of rmw_cyclonedds_cpp)/lib/librmw_cyclonedds_cpp.so" ]; then
	echo "check_ros2.sh: rmw_cyclonedds_cpp is not installed (ros-$ROS_DISTRO-rmw-cyclonedds-cpp): services of the default build are for it alone" >&2
	exit 2
fi
for build in $builds; do
	export RMW_IMPLEMENTATION=rmw_cyclonedds_cpp
	build_programs || continue
	ros2 daemon stop >/dev/null 2>&1
	ros2 daemon start >/dev/null 2>&1
	if start_pair; then
		check_graph
		check_topics
		check_parameters
		check_lifecycle
		check_requests
		check_emergency
		check_action
		check_bag
		check_distribution
		check_other_rmw
		check_signal
	fi
	end "$robot_pid" "$node_pid"
	check_launch
done

if [ -n "$json" ]; then
	python3 -c 'import json, sys
keys = "build", "rmw", "row", "result", "command"
print(json.dumps([dict(zip(keys, line.rstrip("\n").split("\t"))) for line in sys.stdin], indent=1))' <"$work/rows"
else
	printf '%s rows: %s passed, %s failed, %s skipped\n' "$(wc -l <"$work/rows")" "$(cut -f4 "$work/rows" | grep -c pass)" \
		"$failures" "$(cut -f4 "$work/rows" | grep -c skip)"
fi
[ "$failures" -eq 0 ]
