package trial

// intervals knows how far joint states are apart as a rule, and so how many are missing
// between two of them.
type intervals struct {
	last [15]int64 // in ns, sorted by age
	n    int
}

// missing takes the interval between two joint states and returns how many there should have
// been in between.
func (v *intervals) missing(interval int64) uint32 {
	if interval <= 0 {
		return 0
	}
	usual := v.median()
	v.last[v.n%len(v.last)] = interval
	v.n++
	if usual == 0 || interval < usual+usual/2 {
		return 0
	}
	return uint32(min((interval+usual/2)/usual-1, 1<<31))
}

// median returns the usual interval, 0 before there are enough.
func (v *intervals) median() int64 {
	if v.n < len(v.last) {
		return 0
	}
	sorted := v.last
	for i := 1; i < len(sorted); i++ {
		for k := i; k > 0 && sorted[k] < sorted[k-1]; k-- {
			sorted[k], sorted[k-1] = sorted[k-1], sorted[k]
		}
	}
	return sorted[len(sorted)/2]
}
