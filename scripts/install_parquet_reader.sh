#!/bin/sh
# Installs a reader of Parquet, with which the tests of datasets compare, into .build/hyparquet.
exec "$(dirname "$0")/install_npm.sh" node/dataset/testdata/hyparquet hyparquet 'what reads datasets with another Parquet library'
