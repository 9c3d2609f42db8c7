"""EM with scikit-learn's GaussianMixture."""

import numpy as np
from sklearn.mixture import GaussianMixture


def em(a):
    K, iterations = int(a["sizes"][2]), int(a["sizes"][3])
    X = a["points"]
    precisions = np.linalg.inv(a["covs"])
    precisions = 0.5 * (precisions + precisions.transpose(0, 2, 1))

    def run():
        m = GaussianMixture(K, covariance_type="full", reg_covar=1e-6, tol=0, max_iter=iterations,
                            weights_init=a["weights"], means_init=a["means"], precisions_init=precisions)
        return m.fit(X)

    return run, lambda m: [m.score_samples(X).sum()]


KINDS = {"EM": em}
