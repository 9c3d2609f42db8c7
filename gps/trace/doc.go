// Package trace records what an algorithm computes on its way to a result: every intermediate
// array, by a name that says where it was computed, such as "condition_0/search/pass_07/kl".
//
// A Recorder collects arrays. Recorder.Into puts it into a context.Context; With and WithIndex
// nest names in it; From returns the Scope that a context leads to, whose methods record. Scopes
// also nest without a context, for code that has none:
//
//	ctx = trace.With(ctx, "search")
//	scope := trace.From(ctx)
//	for i := range passes {
//		scope.At("pass", i).Log("eta", eta)
//	}
//
// Where nothing is recorded the scope is nil and every method returns at once: a call costs a
// comparison with nil, and no allocation. What is recorded never depends on time, and recording
// changes no result.
//
// Scopes may be used by several goroutines at once, if what they record has different names. Then
// the content of a Recorder, and the bytes of the file that WriteNPZ makes of it, do not depend
// on which goroutine came first.
//
// Phases tell where the time of an update goes. They are apart from what is recorded, since no
// two runs take the same time.
package trace
