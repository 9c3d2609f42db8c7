#!/bin/sh
# Installs ONNX Runtime, with which the tests of gps/onnx compare, into .build/onnxruntime:
# with npm, at the version and checksums of the lock file. Without it those tests are skipped
# and say so, so that nothing here is an error.
set -eu
cd "$(dirname "$0")/.."
lock=gps/onnx/testdata/onnxruntime
into=.build/onnxruntime

without() {
	echo "install_onnxruntime: $1: what compares gps/onnx with ONNX Runtime will be skipped" >&2
	exit 0
}

for program in node npm; do
	command -v $program >/dev/null 2>&1 || without "there is no $program here"
done
cmp -s $lock/package-lock.json $into/package-lock.json && exit 0

# Moved into place when it is whole. The binary is in the package: no script has to run.
rm -rf $into $into.part
mkdir -p $into.part
cp $lock/package.json $lock/package-lock.json $into.part
(cd $into.part && npm ci --ignore-scripts --no-audit --no-fund) ||
	(cd $into.part && npm ci --ignore-scripts --no-audit --no-fund) || # a registry may fail once
	without 'npm could not install it (see above)'
mv $into.part $into
