package policy

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
)

// Load reads a policy file, and checks it: a policy that it returns passes Validate. Errors name the
// path and wrap ErrDamaged, ErrVersion, ErrInvalid or the policy's own (a number that is not finite),
// or are those of the file system.
func Load(path string) (*File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	if !info.Mode().IsRegular() { // a pipe would be waited for
		return nil, fmt.Errorf("%w: %s is no regular file", ErrDamaged, path)
	}
	in, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	defer in.Close()
	f, err := read(in, info.Size())
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", path, err)
	}
	return f, nil
}

// Decode is Load of a file's content.
func Decode(content []byte) (*File, error) {
	return read(bytes.NewReader(content), int64(len(content)))
}

// read reads a file of the given size.
func read(in io.Reader, size int64) (*File, error) {
	r := bufio.NewReader(in)
	line, err := r.ReadSlice('\n')
	if err != nil {
		return nil, fmt.Errorf("%w: it has no header line", ErrDamaged)
	}
	header := string(line)
	var version int
	var length int64
	var digest string
	if _, err := fmt.Sscanf(header, "GPSPOLICY %d %d %64s\n", &version, &length, &digest); err != nil {
		return nil, fmt.Errorf("%w: it begins with %.40q, expected a GPSPOLICY header", ErrDamaged, header)
	}
	if version < 1 || version > Version {
		return nil, fmt.Errorf("%w: it is of version %d, this program reads 1 to %d: run it with the program that wrote it, or a newer one", ErrVersion, version, Version)
	}
	if length > maxLine+8*maxNumbers {
		return nil, fmt.Errorf("%w: its header says %d bytes, expected at most %d", ErrDamaged, length, int64(maxLine+8*maxNumbers))
	}
	if rest := size - int64(len(header)); length != rest {
		return nil, fmt.Errorf("%w: it should hold %d bytes after its header, and holds %d", ErrDamaged, length, rest)
	}
	payload := make([]byte, length)
	if _, err := io.ReadFull(r, payload); err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	if sum := sha256.Sum256(payload); header != fmt.Sprintf("GPSPOLICY %d %d %s\n", version, length, hex.EncodeToString(sum[:])) {
		return nil, fmt.Errorf("%w: the checksum does not match", ErrDamaged)
	}
	return decodePayload(payload, version)
}

// decodePayload reads what follows the header of a version.
func decodePayload(payload []byte, version int) (*File, error) {
	p, d, err := decodePolicy(payload)
	if err != nil {
		return nil, err
	}
	if need := d.version(); version != need {
		return nil, fmt.Errorf("%w: it is of version %d and holds what version %d is for", ErrDamaged, version, need)
	}
	if d.Training == nil {
		return nil, fmt.Errorf("%w: it has no training summary", ErrDamaged)
	}
	if len(d.States) != d.DX || !slices.Equal(d.Observations, observed(d.Observed, d.States)) {
		return nil, fmt.Errorf("%w: %d state names for %d states, and the observations %.80q", ErrDamaged, len(d.States), d.DX, d.Observations)
	}
	f := &File{Policy: p, StateNames: d.States, ActionNames: d.Actions, ObservationNames: d.Observations, Step: d.Step, Training: *d.Training}
	if err := f.Validate(); err != nil {
		return nil, err
	}
	return f, nil
}

func decodePolicy(payload []byte) (Policy, *description, error) {
	d, numbers, err := parse(payload)
	if err != nil {
		return nil, nil, err
	}
	if err := d.check(len(numbers) / 8); err != nil {
		return nil, nil, err
	}
	p, err := d.policy(floats(numbers))
	return p, d, err
}

// parse separates a payload into description and the bytes of its numbers.
func parse(payload []byte) (*description, []byte, error) {
	end := bytes.IndexByte(payload[:min(len(payload), maxLine)], '\n')
	if end < 0 {
		return nil, nil, fmt.Errorf("%w: it has no description", ErrDamaged)
	}
	line, numbers := payload[:end], payload[end+1:]
	d := new(description)
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(d); err != nil {
		return nil, nil, fmt.Errorf("%w: its description: %w", ErrDamaged, err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, nil, fmt.Errorf("%w: something follows its description", ErrDamaged)
	}
	if len(numbers)%8 != 0 {
		return nil, nil, fmt.Errorf("%w: its numbers take %d bytes, expected a multiple of 8", ErrDamaged, len(numbers))
	}
	return d, numbers, nil
}

func floats(raw []byte) []float64 {
	numbers := make([]float64, len(raw)/8)
	for i := range numbers {
		numbers[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:]))
	}
	return numbers
}
