#!/bin/sh
# Installs ONNX Runtime, with which the tests of gps/onnx compare, into .build/onnxruntime.
exec "$(dirname "$0")/install_npm.sh" gps/onnx/testdata/onnxruntime onnxruntime 'what compares gps/onnx with ONNX Runtime'
