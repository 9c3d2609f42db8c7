#!/bin/sh
# Installs packages of npm that tests compare with: install_npm.sh LOCK NAME WHAT, at the versions
# and checksums of the lock file in the folder LOCK, into .build/NAME. Where that cannot be, what
# needs them is skipped and says so, so that nothing here is an error.
set -eu
cd "$(dirname "$0")/.."
lock=$1
into=.build/$2
what=$3

without() {
	echo "install_npm: $1: $what will be skipped" >&2
	exit 0
}

for program in node npm; do
	command -v $program >/dev/null 2>&1 || without "there is no $program here"
done
cmp -s "$lock/package-lock.json" "$into/package-lock.json" && exit 0

# Moved into place when it is whole. Binaries are in the packages: no script has to run.
rm -rf "$into" "$into.part"
mkdir -p "$into.part"
cp "$lock/package.json" "$lock/package-lock.json" "$into.part"
(cd "$into.part" && npm ci --ignore-scripts --no-audit --no-fund) ||
	(cd "$into.part" && npm ci --ignore-scripts --no-audit --no-fund) || # a registry may fail once
	without 'npm could not install it (see above)'
mv "$into.part" "$into"
