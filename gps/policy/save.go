package policy

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
)

// maxLine bounds the header and the description, in bytes.
const maxLine = 1 << 24

// Save writes the file to path: to a temporary name beside it, synced and renamed, so that a file of
// that name is whole. Errors are those of Validate and of the file system.
func Save(path string, f *File) (err error) {
	whole, err := f.Encode()
	if err != nil {
		return fmt.Errorf("save %s: %w", path, err)
	}
	dir := filepath.Dir(path)
	out, err := os.CreateTemp(dir, filepath.Base(path)+".*.tmp")
	if err != nil {
		return fmt.Errorf("policy: %w", err)
	}
	defer func() {
		if err != nil {
			os.Remove(out.Name())
		}
	}()
	_, err = out.Write(whole)
	err = errors.Join(err, out.Chmod(0o644), out.Sync(), out.Close())
	if err == nil {
		err = os.Rename(out.Name(), path)
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return fmt.Errorf("policy: write %s: %w", path, err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Encode returns what Save writes, for a message that carries a policy, and sets ObservationNames.
// Errors are those of Validate.
func (f *File) Encode() ([]byte, error) {
	if err := f.Validate(); err != nil {
		return nil, err
	}
	d, numbers, err := describe(f.Policy)
	if err != nil {
		return nil, err
	}
	if len(numbers) > maxNumbers || d.Controllers > maxControllers {
		return nil, fmt.Errorf("%w: a policy of %d controllers and %d numbers, files hold up to %d and %d", ErrInvalid, d.Controllers, len(numbers), maxControllers, maxNumbers)
	}
	f.ObservationNames = observed(d.Observed, f.StateNames)
	d.States, d.Actions, d.Observations, d.Step, d.Training = f.StateNames, f.ActionNames, f.ObservationNames, f.Step, &f.Training
	payload, err := d.payload(numbers)
	if err != nil {
		return nil, err
	}
	if len(payload)-8*len(numbers) > maxLine {
		return nil, fmt.Errorf("%w: names and training summary take %d bytes, files hold up to %d", ErrInvalid, len(payload)-8*len(numbers), maxLine)
	}
	sum := sha256.Sum256(payload)
	return append(fmt.Appendf(nil, "GPSPOLICY %d %d %s\n", d.version(), len(payload), hex.EncodeToString(sum[:])), payload...), nil
}

func observed(entries []int, names []string) []string {
	var list []string
	for _, i := range entries {
		list = append(list, names[i])
	}
	return list
}

// payload returns the description's line and the numbers.
func (d *description) payload(numbers []float64) ([]byte, error) {
	payload, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	payload = append(payload, '\n')
	for _, v := range numbers {
		payload = binary.LittleEndian.AppendUint64(payload, math.Float64bits(v))
	}
	return payload, nil
}
