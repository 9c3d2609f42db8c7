"""Fits scikit-learn's GaussianMixture, default settings, to the data sets of heldout_test.go.

    GPS_MIXTURE_DATA=/tmp/sets.json go test ./gps/mixture -run HeldOut
    python3 gps/mixture/testdata/scikit_learn.py /tmp/sets.json > gps/mixture/testdata/scikit_learn.json

The result holds, for every data set and random_state 0 to 49, the mean log-likelihood per
point of the points fitted to and of the points held out.
"""
import json
import sys
import warnings

import numpy as np
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

warnings.simplefilter("ignore", ConvergenceWarning)
sets = []
for data in json.load(open(sys.argv[1])):
    train, held = (np.reshape(data[key], (-1, data["D"])) for key in ("Train", "Held"))
    fits = [GaussianMixture(data["K"], random_state=seed).fit(train) for seed in range(50)]
    sets.append({
        "Name": data["Name"],
        "Sum": float(train.sum()),
        "Train": [round(fit.score(train), 4) for fit in fits],
        "Held": [round(fit.score(held), 4) for fit in fits],
    })
    print(data["Name"], np.mean(sets[-1]["Held"]), file=sys.stderr, flush=True)
print("{" + f'"Version": "{sklearn.__version__}", "Sets": [\n' + ",\n".join(map(json.dumps, sets)) + "\n]}")
