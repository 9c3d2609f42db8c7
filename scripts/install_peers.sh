#!/bin/sh
# Installs what `make bench` compares with and the system's Python lacks: numpy on OpenBLAS,
# scikit-learn and torch. Without them the table is shorter, so that nothing here is an
# error.
set -eu
# shellcheck source=scripts/packages.sh
. "$(dirname "$0")/packages.sh"

main() {
	command -v apt-get >/dev/null 2>&1 || exit 0 # whatever Python is there will be used
	add numpy python3-numpy libopenblas0-pthread
	add sklearn python3-sklearn
	add torch python3-torch
}

# add installs the packages that bring a module to Python, unless it is there.
add() {
	module=$1
	shift
	/usr/bin/python3 -c "import $module" >/dev/null 2>&1 && return
	# shellcheck disable=SC2034 # read by install_packages
	otherwise="install $module for /usr/bin/python3"
	(install_packages "$@") || echo "The table will be without $module." >&2
}

main
