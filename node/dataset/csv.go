package dataset

import (
	"bufio"
	"io"
	"strconv"
)

// csvTable writes rows as RFC 4180 has it, numbers with as many digits as bring the same number
// back; a missing value is an empty field.
type csvTable struct {
	columns []Column
	out     *bufio.Writer
	line    []byte
}

func newCSVTable(w io.Writer, columns []Column) (*csvTable, error) {
	t := &csvTable{columns: columns, out: bufio.NewWriterSize(w, 1<<16)}
	names := make([]Value, len(columns))
	for i, c := range columns {
		names[i].Text = c.Name
		t.field(i, Text, names[i])
	}
	return t, t.end()
}

func (t *csvTable) write(row []Value) error {
	for i, v := range row {
		t.field(i, t.columns[i].Kind, v)
	}
	return t.end()
}

func (t *csvTable) field(i int, kind Kind, v Value) {
	if i > 0 {
		t.line = append(t.line, ',')
	}
	switch {
	case v.Missing:
	case kind == Int:
		t.line = strconv.AppendInt(t.line, v.Int, 10)
	case kind == Uint:
		t.line = strconv.AppendUint(t.line, v.Uint, 10)
	case kind == Float:
		t.line = strconv.AppendFloat(t.line, v.Float, 'g', -1, 64)
	default:
		t.line = appendText(t.line, v.Text)
	}
}

// appendText quotes a text where it has to be.
func appendText(line []byte, text string) []byte {
	plain := true
	for _, c := range []byte(text) {
		plain = plain && c != ',' && c != '"' && c != '\n' && c != '\r'
	}
	if plain {
		return append(line, text...)
	}
	line = append(line, '"')
	for _, c := range []byte(text) {
		if line = append(line, c); c == '"' {
			line = append(line, c)
		}
	}
	return append(line, '"')
}

func (t *csvTable) end() error {
	t.line = append(t.line, '\n')
	_, err := t.out.Write(t.line)
	t.line = t.line[:0]
	return err
}

func (t *csvTable) close() error { return t.out.Flush() }

// writeColumns writes the file of columns.
func writeColumns(w io.Writer, tables map[string][]Column, order ...string) error {
	t, err := newCSVTable(w, []Column{{Name: "table", Kind: Text}, {Name: "name", Kind: Text}, {Name: "type", Kind: Text}, {Name: "unit", Kind: Text}, {Name: "description", Kind: Text}})
	if err != nil {
		return err
	}
	for _, table := range order {
		for _, c := range tables[table] {
			if err := t.write([]Value{{Text: table}, {Text: c.Name}, {Text: string(c.Kind)}, {Text: c.Unit}, {Text: c.Description}}); err != nil {
				return err
			}
		}
	}
	return t.close()
}
