package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"guidedpolicysearch/node/console"
	"guidedpolicysearch/node/report"
)

// reportJSON is the last line of `gps report --json`.
type reportJSON struct {
	Run    string `json:"run"`
	Report string `json:"report"`
	Bytes  int    `json:"bytes"`
	// Pictures are the paths of the PNG files; empty without --png.
	Pictures []string `json:"pictures"`
	// Parts are those of the page, with the reason where one is not there, or not whole.
	Parts []*report.Part `json:"parts"`
	// Problems are what was left out.
	Problems []report.Problem `json:"problems"`
}

func reportCommand() *cobra.Command {
	var out string
	var png, asJSON bool
	cmd := &cobra.Command{
		Use:   "report RUN",
		Short: "Draw what a run did, on one page of HTML",
		Long: `Draws what a run did, on one page of HTML that needs no server and no other file: the learning
curve, costs by term, paths, torques, controllers, the fit of the dynamics, the policy, time and
faults. A run that goes on, or was cut off, is drawn as far as it is; what is damaged is said on the
page and left out. With --png the pictures are also written as PNG files, to a folder beside the
page that has its name.`,
		Example: `  gps report runs/2026-01-31_12-00-00
  gps report runs/2026-01-31_12-00-00 --out report.html --png
  gps report runs/2026-01-31_12-00-00 --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				out = filepath.Join(args[0], "report.html")
			}
			if _, err := os.Stat(args[0]); err != nil {
				return status(err)
			}
			var bar *console.Task
			run, err := report.Open(cmd.Context(), args[0], report.DefaultLimits(), func(done, total int) {
				if bar == nil {
					bar = console.NewTask(os.Stderr, "reading iterations", total)
				}
				bar.Done(done)
			})
			if err != nil {
				return status(err)
			}
			page, err := heed(cmd.Context(), func() *report.Page { return report.Make(run) })
			if err != nil {
				return exitStatus{statusFailed, err}
			}
			result := reportJSON{Run: args[0], Report: out, Pictures: []string{}, Parts: page.Parts, Problems: page.Problems}
			if result.Problems == nil {
				result.Problems = []report.Problem{}
			}
			if result.Bytes, err = page.Save(out); err != nil {
				if cannot := errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS); cannot && !cmd.Flags().Changed("out") {
					err = fmt.Errorf("%w; name a file elsewhere: gps report %s --out report.html", err, args[0])
				}
				return status(err)
			}
			if png {
				if result.Pictures, err = page.SavePictures(cmd.Context(), strings.TrimSuffix(out, filepath.Ext(out))); err != nil {
					return status(err)
				}
			}
			for _, p := range page.Problems {
				fmt.Fprintf(os.Stderr, "gps report: left out: %s: %s\n", p.Place, p.Text)
			}
			if asJSON {
				return printJSON(result)
			}
			fmt.Println(out)
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "file to write (default report.html in the run folder)")
	cmd.Flags().BoolVar(&png, "png", false, "write the pictures as PNG files too")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object as the last line of standard output; the rest goes to standard error")
	return cmd
}

// heed returns what work does, or the context's error as soon as it ends: the process is then about to.
func heed[T any](ctx context.Context, work func() T) (T, error) {
	done := make(chan T, 1)
	go func() { done <- work() }()
	select {
	case v := <-done:
		return v, nil
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
