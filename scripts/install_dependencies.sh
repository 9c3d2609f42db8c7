#!/bin/sh
# Installs what the build needs and this machine lacks: a C compiler and Cyclone
# DDS's development files; MuJoCo's, which it can do without; and openssl, which makes
# the keystores of tests. It asks the compiler, so that copies from elsewhere
# (CGO_CFLAGS, CGO_LDFLAGS) count, and does nothing if all is there.
set -eu
# shellcheck source=scripts/packages.sh
. "$(dirname "$0")/packages.sh"

main() {
	cd "$(dirname "$0")/.."
	check_go

	missing=
	if ! compiles 'stdlib.h'; then
		missing='gcc libc6-dev cyclonedds-dev'
	elif ! compiles 'dds/dds.h' -lddsc; then
		missing='cyclonedds-dev'
	fi
	command -v openssl >/dev/null 2>&1 || missing="$missing openssl"
	if [ -n "$(scripts/mujoco_tag.sh)" ]; then
		if offered libmujoco-dev; then
			missing="$missing libmujoco-dev"
		else
			echo 'This distribution has no libmujoco-dev: the build leaves MuJoCo out (plant.type mujoco); everything else is there.'
		fi
	fi
	[ -n "$missing" ] || exit 0

	# shellcheck disable=SC2034 # read by install_packages
	otherwise='install a C compiler and Cyclone DDS 0.10.2 to 0.10.5 with headers, and openssl, by other means'
	# shellcheck disable=SC2086 # one argument per package
	install_packages $missing
	if ! compiles 'dds/dds.h' -lddsc; then
		echo '#include <dds/dds.h>' | compile -lddsc || true
		fail "installed $missing, but C programs still cannot be built against Cyclone DDS (the compiler's words are above)"
	fi
}

# check_go lets Go judge go.mod, which names the oldest version that will do.
check_go() {
	command -v go >/dev/null 2>&1 ||
		fail 'the go command is not in PATH: install Go 1.24 or newer (https://go.dev/dl)'
	said=$(go list -m 2>&1) || fail "this Go cannot build the module:
$said
$(go version). Go 1.24 or newer is needed (https://go.dev/dl)."
}

# compile builds a program from the declarations on standard input.
compile() {
	# shellcheck disable=SC2086 # the variables hold several flags each
	{ cat && echo 'int main(void) { return 0; }'; } |
		${CC:-gcc} ${CGO_CFLAGS:-} -x c - -o /dev/null ${CGO_LDFLAGS:-} "$@"
}

# compiles says if a header, and a library if given, are there.
compiles() {
	header=$1
	shift
	echo "#include <$header>" | compile "$@" >/dev/null 2>&1
}

main
