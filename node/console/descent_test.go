package console

import (
	"bytes"
	"math"
	"testing"
)

func TestDescentTable(t *testing.T) {
	var b bytes.Buffer
	if err := DescentTable(&b, []Descent{
		{Number: 1, Cost: 366.0540, Predicted: 310.8, Actual: 34.18, Alpha: 1, Lambda: 1e-6},
		{Number: 2, Cost: 366.0540, Predicted: 0.25, Actual: -3, Lambda: 5e-6},
		{Number: 3, Cost: 152.4869, Predicted: 2402, Actual: 214, Alpha: 0.0009765625},
	}); err != nil {
		t.Fatal(err)
	}
	want := "" +
		"iteration         cost    predicted       actual      alpha     lambda\n" +
		"        1     366.0540        310.8        34.18          1   1.00e-06\n" +
		"        2     366.0540       0.2500       -3.000          -   5.00e-06\n" +
		"        3     152.4869         2402        214.0  0.0009766          0\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestDescentSummary(t *testing.T) {
	s := DescentSummary{Cost: 2.55, ReplayCost: 2.55, Iterations: 40, Total: 500, Starts: 12, Reference: 2.5, Margin: 0.025, RunFolder: "runs/a", Pictures: []string{"runs/a/b.png"}, Seconds: 0.123}
	rest := "Run again on the simulated robot: cost 2.550000.\n40 iterations, 500 over all 12 starts, in 0.12 s.\nRun folder: runs/a\nPicture: runs/a/b.png\n"
	for _, c := range []struct {
		reference, margin float64
		want              string
	}{
		{2.5, 0.025, "Reached: cost 2.550000, +2.000% from the best known, 2.500000 (up to 2.5% counts).\n"},
		{2.5, 0.005, "Not reached: cost 2.550000, +2.000% from the best known, 2.500000 (up to 0.5% counts).\n"},
		{math.NaN(), 0, "Done: cost 2.550000.\n"},
	} {
		s.Reference, s.Margin = c.reference, c.margin
		var b bytes.Buffer
		if err := s.Write(&b); err != nil {
			t.Fatal(err)
		}
		if b.String() != c.want+rest {
			t.Errorf("got\n%s\nwant\n%s", b.String(), c.want+rest)
		}
	}
}
