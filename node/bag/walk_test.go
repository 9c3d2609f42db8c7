package bag

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/foxglove/mcap/go/mcap"
)

var compressions = []mcap.CompressionFormat{mcap.CompressionNone, mcap.CompressionZSTD, mcap.CompressionLZ4}

// messages are numbers that follow no pattern a compressor knows.
const messages = 40

func payload(i int) []byte { return fmt.Appendf(nil, "message %d: %x", i, i*i*7919%100_003) }

// file returns an MCAP file of some chunks.
func file(tb testing.TB, compression mcap.CompressionFormat, chunked bool) []byte {
	tb.Helper()
	check := func(err error) {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
	}
	var out bytes.Buffer
	w, err := mcap.NewWriter(&out, &mcap.WriterOptions{Chunked: chunked, ChunkSize: 300, Compression: compression, IncludeCRC: true})
	check(err)
	check(w.WriteHeader(&mcap.Header{Profile: "ros2"}))
	check(w.WriteSchema(&mcap.Schema{ID: 1, Name: "a/msg/A", Encoding: "ros2msg", Data: []byte("int32 a")}))
	check(w.WriteChannel(&mcap.Channel{ID: 1, SchemaID: 1, Topic: "/a", MessageEncoding: "cdr"}))
	for i := range messages {
		check(w.WriteMessage(&mcap.Message{ChannelID: 1, Sequence: uint32(i), LogTime: uint64(i), Data: payload(i)}))
	}
	check(w.Close())
	return out.Bytes()
}

func save(tb testing.TB, data []byte) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "a.mcap")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// seen returns the payloads that a walk visited.
func seen(list *[][]byte) Visitor {
	return func(op mcap.OpCode, _ int64, body []byte) error {
		if op != mcap.OpMessage {
			return nil
		}
		m, err := mcap.ParseMessage(body)
		if err == nil {
			*list = append(*list, bytes.Clone(m.Data))
		}
		return err
	}
}

// stride is how many bytes apart files are tried: a reader of LZ4 takes megabytes.
func stride(c mcap.CompressionFormat) int {
	if c == mcap.CompressionLZ4 {
		return 23
	}
	return 1
}

// TestCut cuts files at every byte: what is whole before the cut is salvaged, in its order, the more
// the later the cut, and the error says the byte.
func TestCut(t *testing.T) {
	for _, chunked := range []bool{true, false} {
		for _, compression := range compressions {
			if !chunked && compression != mcap.CompressionNone {
				continue
			}
			t.Run(fmt.Sprintf("%t %q", chunked, compression), func(t *testing.T) {
				data := file(t, compression, chunked)
				path := save(t, data)
				var ends []int // of the messages, where they can be seen
				for i := range messages {
					if at := bytes.Index(data, payload(i)); at >= 0 {
						ends = append(ends, at+len(payload(i)))
					}
				}
				most := 0
				for n := 0; n < len(data); n += stride(compression) {
					if err := os.WriteFile(path, data[:n], 0o600); err != nil {
						t.Fatal(err)
					}
					if err := Walk(path, seen(new([][]byte))); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "at byte ") || !strings.Contains(err.Error(), path) {
						t.Fatalf("cut at byte %d of %d: error %v", n, len(data), err)
					}
					var got [][]byte
					loss, err := Salvage(path, seen(&got))
					if n < len(mcap.Magic) {
						if !errors.Is(err, ErrDamaged) {
							t.Fatalf("cut at byte %d: error %v", n, err)
						}
						continue
					}
					if err != nil || !errors.Is(loss.Cause, ErrDamaged) || loss.Size != int64(n) || loss.Lost < 0 || loss.Lost > int64(n) {
						t.Fatalf("cut at byte %d: %v, loss %+v", n, err, loss)
					}
					for i, m := range got {
						if !bytes.Equal(m, payload(i)) {
							t.Fatalf("cut at byte %d: message %d is %q", n, i, m)
						}
					}
					if compression == mcap.CompressionNone {
						// A message is whole as soon as its last byte is there.
						want := 0
						for want < messages && ends[want] <= n {
							want++
						}
						if len(got) != want {
							t.Fatalf("cut at byte %d: %d messages, want %d", n, len(got), want)
						}
					}
					if len(got) < most {
						t.Fatalf("cut at byte %d: %d messages, %d with a byte less", n, len(got), most)
					}
					most = len(got)
				}
				if most != messages && stride(compression) == 1 {
					t.Errorf("cut at the last byte: %d messages, want %d", most, messages)
				}
			})
		}
	}
}

// TestFlipped changes every byte of the chunks: their checksums leave none out, and what they guard
// is lost alone.
func TestFlipped(t *testing.T) {
	for _, compression := range compressions {
		data := file(t, compression, true)
		path := save(t, data)
		for at := 0; at < len(data); at += stride(compression) {
			data[at] ^= 0x10
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			var got [][]byte
			loss, err := Salvage(path, seen(&got))
			if err == nil && loss.Cause == nil && len(got) != messages {
				t.Fatalf("%q, byte %d changed: %d messages, and nothing was lost", compression, at, len(got))
			}
			data[at] ^= 0x10
		}
	}
}

// TestLostChunk goes on after a chunk that has changed.
func TestLostChunk(t *testing.T) {
	data := file(t, mcap.CompressionNone, true)
	at := bytes.Index(data, payload(messages/2))
	data[at] ^= 1
	path := save(t, data)
	var got [][]byte
	loss, err := Salvage(path, seen(&got))
	if err != nil || loss.Cause == nil || !strings.Contains(loss.Cause.Error(), "bytes have changed") {
		t.Fatalf("%v, loss %+v", err, loss)
	}
	if n := len(got); n == messages || n < messages/2 || !bytes.Equal(got[n-1], payload(messages-1)) || loss.Lost == 0 || loss.Lost > 600 {
		t.Errorf("%d messages, lost %d bytes", n, loss.Lost)
	}
}

func TestVisitorEnds(t *testing.T) {
	stop := errors.New("stop")
	path := save(t, file(t, mcap.CompressionZSTD, true))
	for _, walk := range []func(string, Visitor) error{Walk, func(p string, v Visitor) error { _, err := Salvage(p, v); return err }} {
		if err := walk(path, func(mcap.OpCode, int64, []byte) error { return stop }); !errors.Is(err, stop) || errors.Is(err, ErrDamaged) {
			t.Errorf("error %v", err)
		}
	}
	if err := Walk("/dev/null", nil); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("a device: %v", err)
	}
	var got [][]byte
	if err := Walk(path, seen(&got)); err != nil || len(got) != messages {
		t.Errorf("a whole file: %v, %d messages", err, len(got))
	}
	for name, data := range map[string][]byte{"after the end": append(file(t, "", true), 0), "foreign": []byte("SQLite format 3\x00 and more")} {
		if err := Walk(save(t, data), seen(&got)); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Chunks whose headers lie are refused, and nothing of the size that they state is allocated.
func TestChunkRefused(t *testing.T) {
	var good []byte
	data := file(t, mcap.CompressionZSTD, true)
	at := bytes.IndexByte(data[8:], byte(mcap.OpChunk)) + 8
	for ; good == nil; at++ { // the first chunk that can be opened
		if data[at] == byte(mcap.OpChunk) && bytes.HasPrefix(data[at+9+28:], []byte("\x04\x00\x00\x00zstd")) {
			size := int(data[at+1]) | int(data[at+2])<<8
			good = data[at+9 : at+9+size]
		}
	}
	var o opener
	defer o.close()
	if _, err := o.open(good); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		want   string
		change func(b []byte) []byte
	}{
		{"a chunk of 31 bytes", func(b []byte) []byte { return b[:31] }},
		{"need at most", func(b []byte) []byte { b[23] = 0x7f; return b }},
		{"uncompressed, need", func(b []byte) []byte { b[16]++; return b }},
		{"bytes have changed", func(b []byte) []byte { b[24]++; return b }},
		{"whose compression's name", func(b []byte) []byte { b[31] = 0xff; return b }},
		{"whose compression's name", func(b []byte) []byte { return b[:38] }},
		{"bytes of records, need", func(b []byte) []byte { b[43] = 0xff; return b }},
		{`compression "zstz"`, func(b []byte) []byte { b[35] = 'z'; return b }},
		{"cannot be uncompressed", func(b []byte) []byte { b[44] ^= 0xff; return b }},
	} {
		if _, err := o.open(c.change(slices.Clone(good))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}

// FuzzSalvage: whatever the bytes are, nothing panics, and what is lost is no more than there is.
func FuzzSalvage(f *testing.F) {
	for _, compression := range compressions {
		data := file(f, compression, true)
		f.Add(data)
		f.Add(data[:len(data)/2])
	}
	f.Add(file(f, "", false))
	f.Fuzz(func(t *testing.T, data []byte) {
		loss, err := Salvage(save(t, data), func(mcap.OpCode, int64, []byte) error { return nil })
		if err != nil && !errors.Is(err, ErrDamaged) || loss.Lost < 0 || loss.Lost > int64(len(data)) {
			t.Errorf("%v, loss %+v of %d bytes", err, loss, len(data))
		}
	})
}
