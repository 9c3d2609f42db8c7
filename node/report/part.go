package report

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"guidedpolicysearch/node/plots"
)

// Part is a section of the page.
type Part struct {
	// ID is for links, Title its heading, Text says what it tells.
	ID    string `json:"id"`
	Title string `json:"title"`
	Text  string `json:"-"`
	// Missing says why it, or a piece of it, is not there; empty where nothing is missing.
	Missing string     `json:"missing,omitempty"`
	Groups  []*Group   `json:"-"`
	Tables  []*Table   `json:"-"`
	Shown   []*Picture `json:"-"` // as Add takes them
}

// Group is a row of pictures.
type Group struct {
	// Title is empty for a part's only row. Folded ones are opened by the reader.
	Title    string
	Folded   bool
	Pictures []*Picture
}

// Picture is a chart with its words.
type Picture struct {
	// ID is the name of its PNG file, without extension.
	ID    string
	Chart *plots.Chart
	// Caption says what is to be seen. Scale explains a heat map's colours, empty for other charts.
	Caption     string
	Low, High   string
	SVG         []byte
	Alternative string
}

// Table has numbers for those who want to read them.
type Table struct {
	Title string
	Head  []string
	Rows  [][]string
	// Open shows it at once.
	Open bool
}

// add appends a picture to the last row, unless its chart has nothing to show.
func (p *Part) add(id, caption string, chart *plots.Chart) *Picture {
	picture := &Picture{ID: p.ID + "_" + id, Chart: chart, Caption: caption, Alternative: alternative(chart)}
	var b bytes.Buffer
	if err := chart.WriteSVG(&b, picture.Alternative); errors.Is(err, plots.ErrNothing) {
		return picture
	} else if err != nil {
		p.miss("%s cannot be drawn: %v", chart.Title, err)
		return picture
	}
	picture.SVG = b.Bytes()
	if len(p.Groups) == 0 {
		p.Groups = []*Group{{}}
	}
	g := p.Groups[len(p.Groups)-1]
	g.Pictures = append(g.Pictures, picture)
	p.Shown = append(p.Shown, picture)
	return picture
}

// row begins a new row of pictures.
func (p *Part) row(title string, folded bool) {
	p.Groups = append(p.Groups, &Group{Title: title, Folded: folded})
}

// miss says why something is not there.
func (p *Part) miss(format string, args ...any) {
	if p.Missing != "" {
		p.Missing += " "
	}
	text := fmt.Sprintf(format, args...)
	p.Missing += capital(text) + "."
}

// capital begins a text with a capital letter.
func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// some says that not all are shown.
func (p *Part) some(shown, total int, what string) {
	if shown < total {
		p.Text += fmt.Sprintf(" %d of %d %s are shown.", shown, total, what)
	}
}

// number writes a number for people.
func number(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

// numberOf is number of what a pointer points to.
func numberOf(v *float64) string { return number(orNaN(v)) }

// mostSaid bounds the lines that a picture's text alternative describes.
const mostSaid = 8

// alternative describes a chart for those who do not see it.
func alternative(c *plots.Chart) string {
	var b strings.Builder
	b.WriteString(c.Title)
	fmt.Fprintf(&b, ". %s over %s.", orElse(c.Y, "Rows"), orElse(c.X, "columns"))
	said, before := 0, map[string]bool{"": true}
	for _, l := range c.Lines {
		first, last, count := ends(l.Y)
		if before[l.Name] || count == 0 {
			continue
		}
		before[l.Name] = true
		if said++; said > mostSaid {
			b.WriteString(" And more lines.")
			break
		}
		if count == 1 || first == last {
			fmt.Fprintf(&b, " %s: %s.", l.Name, number(first))
		} else {
			fmt.Fprintf(&b, " %s: from %s to %s.", l.Name, number(first), number(last))
		}
	}
	if h := c.Heat; h != nil {
		fmt.Fprintf(&b, " Heat map of %d rows and %d columns, values from %s to %s.", h.Rows, h.Columns, number(h.Least), number(h.Most))
	}
	return b.String()
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// ends returns the first and the last finite value, and how many there are.
func ends(values []float64) (first, last float64, count int) {
	for _, v := range values {
		if isFinite(v) {
			if count == 0 {
				first = v
			}
			last = v
			count++
		}
	}
	return first, last, count
}
