package node

import (
	"context"
	"fmt"
	"os"

	"guidedpolicysearch/hardware/urdf"
	"guidedpolicysearch/node/dataset"
	"guidedpolicysearch/node/record"
)

// ExportRollouts writes the rollouts of a run folder as a dataset; see dataset.Export. Where the
// folder has no parameters, as that of imported bags, the costs are left out. Errors wrap
// record.ErrNotRun too, or are those of its parameters.
func ExportRollouts(ctx context.Context, run string, selected dataset.Selection, dest string, progress func(done, total int)) (*dataset.Summary, error) {
	folder, err := record.View(run)
	if err != nil {
		return nil, err
	}
	source := dataset.Source{Folder: folder}
	if _, err := os.Stat(folder.Path(record.ParamsFile)); err == nil {
		cfg, _, err := replayed(folder, record.ParamsFile, nil)
		if err != nil {
			return nil, err
		}
		_, problem, err := replayProblem(cfg, folder)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", folder.Path(record.ParamsFile), err)
		}
		source.Cost = problem.NewSampleCost()
	}
	if source.Prismatic, err = prismatic(folder); err != nil {
		return nil, err
	}
	return dataset.Export(ctx, source, selected, dest, progress)
}

// prismatic returns the joints that slide, by the description in a run folder; none without one.
func prismatic(folder *record.Folder) (names []string, err error) {
	m, err := record.ReadDescription(folder.Dir())
	if m == nil || err != nil {
		return nil, err
	}
	for _, j := range m.Joints {
		if j.Type == urdf.Prismatic {
			names = append(names, j.Name)
		}
	}
	return names, nil
}
