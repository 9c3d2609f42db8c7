// Package report draws what a run did, for people: one page of HTML that needs no other file, no server
// and no network, with the same pictures as PNG files where they are asked for.
//
// Open reads a run folder as far as it can be read. Make computes the page's parts from it, each with its
// charts and tables or with the reason why it is not there, and Write writes them. The numbers of a chart
// are in its plots.Chart, apart from how it is drawn. Nothing in a run folder is changed by reading it;
// one run gives the same bytes each time.
//
// A page is bounded: reports count for all iterations, but checkpoints and trials of a long run, or of a
// large one, for iterations evenly spread over it, as the page then says.
package report

import "errors"

// ErrNoPage marks a page that could not be written.
var ErrNoPage = errors.New("report: the page could not be written")

// Problem is something in a run folder that could not be read, and was left out.
type Problem struct {
	// Place is the file, relative to the run folder, and maybe its line.
	Place string `json:"place"`
	// Text says what is wrong with it.
	Text string `json:"text"`
}
