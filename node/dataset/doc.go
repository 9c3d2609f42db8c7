// Package dataset writes the rollouts of a run for other programs: as CSV, Parquet or NumPy's .npz.
//
// Trials are read one after the other and written as they come, so that memory does not grow with
// their number. What is written appears whole or not at all. Each column has a name, a unit and a
// description, which the files carry: CSV in a file of columns beside it, Parquet in its metadata
// under the key "columns" (a JSON array), NPZ in the arrays whose names end in _names and _units.
//
//	FILE.csv       one long table, a row per time step; columns in FILE.columns.csv
//	FILE.parquet   the same
//	FILE.npz       one array per quantity, a trial per row
//	FOLDER         trials.csv (a row per trial), steps.csv (a row per time step), columns.csv
package dataset

import "errors"

var (
	// ErrFormat marks a destination of no known format.
	ErrFormat = errors.New("dataset: unknown format")
	// ErrEmpty marks a run, or a choice of its trials, that has none.
	ErrEmpty = errors.New("dataset: no trials")
	// ErrMixed marks trials of different sizes or names, which make no table.
	ErrMixed = errors.New("dataset: trials of different kinds")
	// ErrExists marks a folder that holds something already.
	ErrExists = errors.New("dataset: the folder is not empty")
)
