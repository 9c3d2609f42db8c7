package dataset

import (
	"encoding/json"
	"fmt"
	"io"
	"reflect"

	"github.com/parquet-go/parquet-go"
)

const (
	// rowsPerGroup bounds what is in memory before it is written.
	rowsPerGroup = 1 << 16
	// columnsKey is that of the columns' descriptions in the file's metadata.
	columnsKey = "columns"
)

// parquetTable writes rows as Parquet, compressed by zstd. All but the key may be missing.
type parquetTable struct {
	columns []Column
	out     *parquet.Writer
	row     parquet.Row
}

func newParquetTable(w io.Writer, columns []Column) (*parquetTable, error) {
	// A struct keeps the order of the columns, which a parquet.Group would sort.
	var fields []reflect.StructField
	for i, c := range columns {
		kind, ok := map[Kind]reflect.Type{Int: reflect.TypeFor[int64](), Uint: reflect.TypeFor[uint64](), Float: reflect.TypeFor[float64](), Text: reflect.TypeFor[string]()}[c.Kind]
		if !ok || !plainName(c.Name) {
			return nil, fmt.Errorf("%w: Parquet has no column %q of %s", ErrFormat, c.Name, c.Kind)
		}
		tag := fmt.Sprintf(`parquet:"%s,optional,zstd"`, c.Name)
		fields = append(fields, reflect.StructField{Name: fmt.Sprintf("C%d", i), Type: kind, Tag: reflect.StructTag(tag)})
	}
	text, err := json.Marshal(columns)
	if err != nil {
		return nil, fmt.Errorf("dataset: %w", err)
	}
	schema := parquet.NewSchema("rollouts", parquet.SchemaOf(reflect.New(reflect.StructOf(fields)).Interface()))
	return &parquetTable{columns: columns, row: make(parquet.Row, len(columns)),
		out: parquet.NewWriter(w, schema, parquet.KeyValueMetadata(columnsKey, string(text)), parquet.MaxRowsPerRowGroup(rowsPerGroup))}, nil
}

// plainName tells whether a name stands in the tag of a field as it is.
func plainName(name string) bool {
	for _, c := range name {
		if c < ' ' || c == ',' || c == '"' || c == '`' || c == '\\' || c == 0x7f {
			return false
		}
	}
	return name != "" && name != "-"
}

func (t *parquetTable) write(row []Value) error {
	for i, v := range row {
		if v.Missing {
			t.row[i] = parquet.NullValue().Level(0, 0, i)
			continue
		}
		switch t.columns[i].Kind {
		case Int:
			t.row[i] = parquet.Int64Value(v.Int)
		case Uint:
			t.row[i] = parquet.Int64Value(int64(v.Uint)) // the column's type says that it is unsigned
		case Float:
			t.row[i] = parquet.DoubleValue(v.Float)
		default:
			t.row[i] = parquet.ByteArrayValue([]byte(v.Text))
		}
		t.row[i] = t.row[i].Level(0, 1, i)
	}
	_, err := t.out.WriteRows([]parquet.Row{t.row})
	return err
}

func (t *parquetTable) close() error { return t.out.Close() }
