package rcl

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// The vectors are verdicts of the real rcl and rclcpp of ROS 2 Humble. They are read from
// RCL_VECTORS_DIR (relative to the repository, too), which may hold some of the files only;
// else from ../shared/vectors/rcl beside the repository, else from the compressed copy in
// testdata.

// vectorFiles are the families that this package answers for.
var vectorFiles = []string{"params.json", "args.json", "names.json"}

func vectorCases[T any](t *testing.T, name string) []T {
	t.Helper()
	data, from, err := readVectors(name)
	if err != nil {
		t.Fatal(err)
	}
	if data == nil {
		t.Logf("%s is not there", from)
		return nil
	}
	var file struct{ Cases []T }
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatalf("%s: %v", from, err)
	}
	if len(file.Cases) == 0 {
		t.Fatalf("%s: no cases", from)
	}
	t.Logf("%d cases of %s", len(file.Cases), from)
	return file.Cases
}

func readVectors(name string) (data []byte, from string, err error) {
	if dir := os.Getenv("RCL_VECTORS_DIR"); dir != "" {
		if _, err := os.Stat(dir); err != nil && !filepath.IsAbs(dir) {
			dir = filepath.Join("..", "..", dir)
		}
		return readVectorsFrom(dir, name)
	}
	from = filepath.Join("..", "..", "..", "shared", "vectors", "rcl", name)
	if data, err = os.ReadFile(from); err == nil {
		return data, from, nil
	}
	from = filepath.Join("testdata", name+".gz")
	f, err := os.Open(from)
	if err != nil {
		return nil, from, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, from, err
	}
	data, err = io.ReadAll(z)
	return data, from, err
}

// readVectorsFrom gives no data where the folder lacks the file but has another family.
func readVectorsFrom(dir, name string) (data []byte, from string, err error) {
	from = filepath.Join(dir, name)
	if data, err = os.ReadFile(from); !errors.Is(err, os.ErrNotExist) {
		return data, from, err
	}
	for _, other := range vectorFiles {
		if _, e := os.Stat(filepath.Join(dir, other)); e == nil {
			return nil, from, nil
		}
	}
	return nil, from, err
}

// vectorValue is a parameter of the vectors; Error where rclcpp refuses it.
type vectorValue struct {
	Type  string
	Value json.RawMessage
	Error bool
}

func (v vectorValue) decode() (Value, error) {
	var raw any
	if err := json.Unmarshal(v.Value, &raw); err != nil {
		return Value{}, err
	}
	list, _ := raw.([]any)
	out := Value{}
	for t := NotSet; t <= StringArray; t++ {
		if t.String() == v.Type {
			out.Type = t
		}
	}
	number := func(x any) float64 {
		switch x := x.(type) {
		case float64:
			return x
		case string:
			f, err := strconv.ParseFloat(x, 64)
			if err != nil {
				panic(err)
			}
			return f
		}
		panic(fmt.Sprintf("%v is no number", x))
	}
	integer := func(x any) int64 {
		if s, ok := x.(string); ok {
			i, err := strconv.ParseInt(s, 10, 64)
			if err != nil {
				panic(err)
			}
			return i
		}
		return int64(x.(float64))
	}
	switch out.Type {
	case Bool:
		out.Bool = raw.(bool)
	case Integer:
		out.Int = integer(raw)
	case Double:
		out.Double = number(raw)
	case String:
		out.Str = raw.(string)
	}
	for _, x := range list {
		switch out.Type {
		case BoolArray:
			out.Bools = append(out.Bools, x.(bool))
		case IntegerArray:
			out.Ints = append(out.Ints, integer(x))
		case DoubleArray:
			out.Doubles = append(out.Doubles, number(x))
		case StringArray:
			out.Strs = append(out.Strs, x.(string))
		}
	}
	return out, nil
}
