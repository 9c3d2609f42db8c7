"""Does the work of the table with numpy, scikit-learn and torch.

    peers.py JOBS SECONDS

JOBS has one object in JSON per line:
    {"name", "kind", "of", "file", "arrays": [[name, shape], ...], "out"}
file holds the arrays as float64, one after the other; the results go to out in the same way.
For each job a line of JSON goes to standard output: {"name", "of", "ns"}, the shortest of the
runs that fit in SECONDS. The first line tells the versions.
"""

import json
import sys
import time
import warnings

import numpy as np

import numpy_peers


def modules():
    """Returns the implementations by the names of their modules, and their versions."""
    found = {"numpy": numpy_peers.KINDS}
    versions = {"numpy": np.__version__, "blas": numpy_peers.blas()}
    try:
        import sklearn
        import sklearn_peer

        found["sklearn"], versions["sklearn"] = sklearn_peer.KINDS, sklearn.__version__
    except ImportError:
        pass
    try:
        import torch
        import torch_peers

        torch.set_num_threads(1)
        torch.set_grad_enabled(False)
        found["torch"], versions["torch"] = torch_peers.KINDS, torch.__version__
    except ImportError:
        pass
    return found, versions


def read(job):
    data, arrays, start = np.fromfile(job["file"]), {}, 0
    for name, shape in job["arrays"]:
        size = int(np.prod(shape))
        arrays[name] = data[start : start + size].reshape(shape).copy()
        start += size
    return arrays


def best(run, seconds):
    """Returns the shortest time of a run in ns, of at least three."""
    least, began, count = float("inf"), time.perf_counter(), 0
    while count < 3 or time.perf_counter() - began < seconds:
        before = time.perf_counter_ns()
        run()
        least = min(least, time.perf_counter_ns() - before)
        count += 1
    return least


def main():
    warnings.simplefilter("ignore")
    found, versions = modules()
    print(json.dumps(versions), flush=True)
    seconds = float(sys.argv[2])
    with open(sys.argv[1]) as lines:
        jobs = [json.loads(line) for line in lines]
    for job in jobs:
        kinds = found.get(job["of"])
        if kinds is None:
            continue
        run, results = kinds[job["kind"]](read(job))
        arrays = results(run())
        ns = best(run, seconds)
        np.concatenate([np.asarray(r, dtype=float).ravel() for r in arrays]).tofile(job["out"])
        print(json.dumps({"name": job["name"], "of": job["of"], "ns": ns}), flush=True)


if __name__ == "__main__":
    main()
