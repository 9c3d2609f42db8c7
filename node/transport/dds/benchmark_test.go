//go:build !rclgo

package dds_test

import (
	"slices"
	"testing"
	"time"

	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/dds/ddstest"
)

// BenchmarkRoundTrip sends a message the size of a 7-joint state to another
// process and back.
func BenchmarkRoundTrip(b *testing.B) {
	d := ddstest.Domain(b)
	far := startPeer(b, transport.Options{Name: "far", Domain: d, Range: transport.Localhost})
	near := ddstest.Open(b, d, "near", nil)
	p, received := echo(b, near, far)
	payload := make([]byte, 400)
	payload[1] = 1
	times := make([]time.Duration, 0, b.N)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		start := time.Now()
		if err := p.Publish(payload); err != nil {
			b.Fatal(err)
		}
		<-received
		times = append(times, time.Since(start))
	}
	b.StopTimer()
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Nanoseconds())/1e3, "p50-µs")
	b.ReportMetric(float64(times[len(times)*99/100].Nanoseconds())/1e3, "p99-µs")
}

// echo has far send back what near publishes.
func echo(tb testing.TB, near transport.Node, far *peer) (transport.Publisher, <-chan struct{}) {
	tb.Helper()
	received := make(chan struct{}, 1)
	matched := make(chan struct{}, 3)
	tell := func(m transport.Status) {
		if m.Matched == 1 {
			matched <- struct{}{}
		}
	}
	if err := far.add(&peerEndpoint{match: tell}, request{Op: "echo", Topic: "/there", Type: floats, QoS: transport.Default()}); err != nil {
		tb.Fatal(err)
	}
	if _, err := near.Subscribe("/there_back", floats, transport.Default(), func([]byte, transport.Info) { received <- struct{}{} }, tell); err != nil {
		tb.Fatal(err)
	}
	p, err := near.Publisher("/there", floats, transport.Default(), tell)
	if err != nil {
		tb.Fatal(err)
	}
	for range cap(matched) {
		<-matched
	}
	return p, received
}
