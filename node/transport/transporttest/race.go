//go:build race

package transporttest

// raceDetector says that memory is no measure: the race detector keeps some for every access.
const raceDetector = true
