package params

import (
	"fmt"
	"math"
	"reflect"
	"time"

	"guidedpolicysearch/node/rcl"
)

// codec converts between a field and a parameter value of one type.
type codec struct {
	kind       rcl.Type
	isDuration bool
	encode     func(field reflect.Value) (rcl.Value, error)
	decode     func(field reflect.Value, v rcl.Value) error // v is of kind; error where it does not fit
}

func codecOf(t reflect.Type) (codec, error) {
	if t == reflect.TypeFor[time.Duration]() {
		return durationCodec(), nil
	}
	switch t.Kind() {
	case reflect.Bool:
		return codec{kind: rcl.Bool,
			encode: func(f reflect.Value) (rcl.Value, error) { return rcl.Value{Type: rcl.Bool, Bool: f.Bool()}, nil },
			decode: func(f reflect.Value, v rcl.Value) error { f.SetBool(v.Bool); return nil }}, nil
	case reflect.Int, reflect.Int64:
		return codec{kind: rcl.Integer,
			encode: func(f reflect.Value) (rcl.Value, error) {
				return rcl.Value{Type: rcl.Integer, Int: f.Int()}, nil
			},
			decode: func(f reflect.Value, v rcl.Value) error { return setInt(f, v.Int) }}, nil
	case reflect.Uint64:
		return uintCodec(), nil
	case reflect.Float64:
		return codec{kind: rcl.Double,
			encode: func(f reflect.Value) (rcl.Value, error) {
				return rcl.Value{Type: rcl.Double, Double: f.Float()}, nil
			},
			decode: func(f reflect.Value, v rcl.Value) error { f.SetFloat(v.Double); return nil }}, nil
	case reflect.String:
		return codec{kind: rcl.String,
			encode: func(f reflect.Value) (rcl.Value, error) {
				return rcl.Value{Type: rcl.String, Str: f.String()}, nil
			},
			decode: func(f reflect.Value, v rcl.Value) error { f.SetString(v.Str); return nil }}, nil
	case reflect.Slice:
		return sliceCodec(t)
	}
	return codec{}, fmt.Errorf("type %s, expected bool, int, int64, uint64, float64, string, time.Duration or a slice", t)
}

func setInt(f reflect.Value, i int64) error {
	if f.OverflowInt(i) {
		return fmt.Errorf("%d does not fit the machine's int", i)
	}
	f.SetInt(i)
	return nil
}

func uintCodec() codec {
	return codec{kind: rcl.Integer,
		encode: func(f reflect.Value) (rcl.Value, error) {
			if f.Uint() > math.MaxInt64 {
				return rcl.Value{}, fmt.Errorf("%d is above the largest ROS integer %d", f.Uint(), int64(math.MaxInt64))
			}
			return rcl.Value{Type: rcl.Integer, Int: int64(f.Uint())}, nil
		},
		decode: func(f reflect.Value, v rcl.Value) error {
			if v.Int < 0 {
				return fmt.Errorf("expected an integer of at least 0")
			}
			f.SetUint(uint64(v.Int))
			return nil
		}}
}

// maxSeconds keeps seconds in the range of time.Duration.
const maxSeconds = float64(math.MaxInt64/int64(time.Second)) - 1

func durationCodec() codec {
	return codec{kind: rcl.Double, isDuration: true,
		encode: func(f reflect.Value) (rcl.Value, error) {
			return rcl.Value{Type: rcl.Double, Double: time.Duration(f.Int()).Seconds()}, nil
		},
		decode: func(f reflect.Value, v rcl.Value) error {
			if !(math.Abs(v.Double) <= maxSeconds) {
				return fmt.Errorf("expected at most %g s", maxSeconds)
			}
			f.SetInt(int64(math.Round(v.Double * 1e9)))
			return nil
		}}
}

// sliceCodec copies both ways: neither side keeps the other's memory.
func sliceCodec(t reflect.Type) (codec, error) {
	each := func(f reflect.Value, get func(reflect.Value)) {
		for i := 0; i < f.Len(); i++ {
			get(f.Index(i))
		}
	}
	fill := func(f reflect.Value, n int, set func(i int, x reflect.Value) error) error {
		s := reflect.MakeSlice(t, n, n)
		for i := 0; i < n; i++ {
			if err := set(i, s.Index(i)); err != nil {
				return err
			}
		}
		f.Set(s)
		return nil
	}
	switch t.Elem().Kind() {
	case reflect.Bool:
		return codec{kind: rcl.BoolArray,
			encode: func(f reflect.Value) (rcl.Value, error) {
				v := rcl.Value{Type: rcl.BoolArray}
				each(f, func(x reflect.Value) { v.Bools = append(v.Bools, x.Bool()) })
				return v, nil
			},
			decode: func(f reflect.Value, v rcl.Value) error {
				return fill(f, len(v.Bools), func(i int, x reflect.Value) error { x.SetBool(v.Bools[i]); return nil })
			}}, nil
	case reflect.Int, reflect.Int64:
		if t.Elem() == reflect.TypeFor[time.Duration]() {
			break
		}
		return codec{kind: rcl.IntegerArray,
			encode: func(f reflect.Value) (rcl.Value, error) {
				v := rcl.Value{Type: rcl.IntegerArray}
				each(f, func(x reflect.Value) { v.Ints = append(v.Ints, x.Int()) })
				return v, nil
			},
			decode: func(f reflect.Value, v rcl.Value) error {
				return fill(f, len(v.Ints), func(i int, x reflect.Value) error { return setInt(x, v.Ints[i]) })
			}}, nil
	case reflect.Float64:
		return codec{kind: rcl.DoubleArray,
			encode: func(f reflect.Value) (rcl.Value, error) {
				v := rcl.Value{Type: rcl.DoubleArray}
				each(f, func(x reflect.Value) { v.Doubles = append(v.Doubles, x.Float()) })
				return v, nil
			},
			decode: func(f reflect.Value, v rcl.Value) error {
				return fill(f, len(v.Doubles), func(i int, x reflect.Value) error { x.SetFloat(v.Doubles[i]); return nil })
			}}, nil
	case reflect.String:
		return codec{kind: rcl.StringArray,
			encode: func(f reflect.Value) (rcl.Value, error) {
				v := rcl.Value{Type: rcl.StringArray}
				each(f, func(x reflect.Value) { v.Strs = append(v.Strs, x.String()) })
				return v, nil
			},
			decode: func(f reflect.Value, v rcl.Value) error {
				return fill(f, len(v.Strs), func(i int, x reflect.Value) error { x.SetString(v.Strs[i]); return nil })
			}}, nil
	}
	return codec{}, fmt.Errorf("type %s, expected a slice of bool, int, int64, float64 or string", t)
}
