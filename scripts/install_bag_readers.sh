#!/bin/sh
# Installs Foxglove's readers of bags, with which the tests of node/record compare, into .build/foxglove.
exec "$(dirname "$0")/install_npm.sh" node/record/testdata/foxglove foxglove 'what reads recordings as Foxglove does'
