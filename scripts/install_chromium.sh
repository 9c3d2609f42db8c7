#!/bin/sh
# Installs Chromium, in which the tests look at the report's page. Where that cannot be, they are
# skipped and say so, so that nothing here is an error.
set -eu
# shellcheck source=scripts/packages.sh
. "$(dirname "$0")/packages.sh"

for program in chromium chromium-browser google-chrome; do
	! command -v $program >/dev/null 2>&1 || exit 0
done
# shellcheck disable=SC2034 # read by install_packages
otherwise='the tests of the page are skipped'
if ! offered chromium || ! (install_packages chromium); then
	echo 'install_chromium: the distribution did not give chromium: what looks at the page of gps report will be skipped' >&2
fi
