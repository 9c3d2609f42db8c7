#!/bin/sh
# Installs NumPy for the system's Python, with which the tests read what is written for it. Where that
# cannot be, they are skipped and say so, so that nothing here is an error.
set -eu
# shellcheck source=scripts/packages.sh
. "$(dirname "$0")/packages.sh"

for python in python3 /usr/bin/python3; do
	! $python -c 'import numpy' >/dev/null 2>&1 || exit 0
done
# shellcheck disable=SC2034 # read by install_packages
otherwise='the tests of what NumPy reads are skipped'
if ! offered python3-numpy || ! (install_packages python3-numpy); then
	echo 'install_numpy: the distribution did not give python3-numpy: what reads with NumPy will be skipped' >&2
fi
