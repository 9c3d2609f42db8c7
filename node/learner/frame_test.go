package learner

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestFrames(t *testing.T) {
	var pipe bytes.Buffer
	bodies := [][]byte{nil, []byte("x"), bytes.Repeat([]byte("long"), 100_000)}
	for _, b := range bodies {
		if err := writeFrame(&pipe, frameNote, b); err != nil {
			t.Fatal(err)
		}
	}
	r := iotest.HalfReader(&pipe)
	for _, want := range bodies {
		if kind, body, err := readFrame(r); err != nil || kind != frameNote || !bytes.Equal(body, want) {
			t.Fatalf("kind %q, %d bytes, %v; want %d bytes", kind, len(body), err, len(want))
		}
	}
	if _, _, err := readFrame(r); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
	if err := writeFrame(brokenWriter{}, frameDone, nil); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("on a broken pipe: %v", err)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestBrokenFrames(t *testing.T) {
	frame := func(length uint32, rest string) []byte {
		return append(binary.LittleEndian.AppendUint32(nil, length), rest...)
	}
	for _, c := range []struct {
		name  string
		bytes []byte
		want  error
	}{
		{"nothing", nil, io.EOF},
		{"half a head", frame(3, "N")[:3], io.ErrUnexpectedEOF},
		{"no body", frame(3, "N"), io.ErrUnexpectedEOF},
		{"half a body", frame(5, "Nabc"), io.ErrUnexpectedEOF},
		{"length 0", frame(0, "Nabc"), ErrProtocol},
		{"too long", frame(maxFrame+1, "Nabc"), ErrProtocol},
		{"longest, without its body", frame(maxFrame, "Nabc"), io.ErrUnexpectedEOF},
		{"text", []byte("panic: runtime error"), ErrProtocol},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := readFrame(bytes.NewReader(c.bytes))
		runtime.ReadMemStats(&after)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
			t.Errorf("%s: %d bytes allocated", c.name, n)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct {
		kind frameKind
		body string
	}{{0, ""}, {'X', "abc"}, {frameRecorded, "path"}, {frameCommand, ""}, {frameCommand, "text that is no message"}, {frameReport, "\x00\x01\x00\x00"}} {
		if m, err := parse(c.kind, []byte(c.body)); !errors.Is(err, ErrProtocol) {
			t.Errorf("kind %q, body %q: %+v, %v", c.kind, c.body, m, err)
		}
	}
}

func FuzzFrame(f *testing.F) {
	f.Add([]byte{1, 0, 0, 0, 'D'})
	f.Add([]byte{4, 0, 0, 0, 'N', 'a', 'b', 'c', 1, 0, 0, 0, 'R'})
	f.Add([]byte{0xff, 0xff, 0xff, 0x3f, 'C'})
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bytes.NewReader(data)
		for {
			before := r.Len()
			kind, body, err := readFrame(r)
			if err != nil {
				return
			}
			var back bytes.Buffer
			if err := writeFrame(&back, kind, body); err != nil {
				t.Fatal(err)
			}
			at := len(data) - before
			if !bytes.Equal(back.Bytes(), data[at:at+back.Len()]) {
				t.Fatalf("%q was read, it is written as %q", data[at:], back.Bytes())
			}
			_, _ = parse(kind, body)
		}
	})
}

func TestTailKeepsTheEnd(t *testing.T) {
	var p tail
	if p.text() != "" {
		t.Errorf("nothing is %q", p.text())
	}
	for range 1000 {
		if n, err := p.Write([]byte("0123456789\n")); n != 11 || err != nil {
			t.Fatal(n, err)
		}
	}
	if _, err := p.Write(slices.Concat(bytes.Repeat([]byte("x"), 10_000), []byte("the end\n"))); err != nil {
		t.Fatal(err)
	}
	if got := p.text(); len(got) > 5000 || !strings.HasPrefix(got, ": ") || !strings.HasSuffix(got, "the end") {
		t.Errorf("%d bytes: %.40q", len(got), got)
	}
}
