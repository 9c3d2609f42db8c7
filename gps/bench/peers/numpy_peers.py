"""The work with numpy: functions that prepare numbers and return what is timed, and what turns
its outcome into results.
"""

import numpy as np


def blas():
    """Returns the name of the BLAS that numpy calls."""
    try:
        import threadpoolctl

        info = [i for i in threadpoolctl.threadpool_info() if i["user_api"] == "blas"]
        if info:
            i = info[0]
            return "%s %s (%s), %d thread" % (i["internal_api"], i["version"], i.get("architecture", "?"), i["num_threads"])
    except ImportError:
        pass
    return "unknown"


def backward_pass(F, f, Q, q, dX):
    T, dU = F.shape[0], F.shape[2] - dX
    K, k, C = np.empty((T, dU, dX)), np.empty((T, dU)), np.empty((T, dU, dU))
    V, v = Q[T, :dX, :dX], q[T, :dX]
    identity = np.eye(dU)
    for t in range(T - 1, -1, -1):
        Ft = F[t]
        M = Q[t] + Ft.T @ (V @ Ft)
        m = q[t] + Ft.T @ (V @ f[t] + v)
        inverse = np.linalg.inv(np.linalg.cholesky(M[dX:, dX:]))
        C[t] = inverse.T @ inverse
        K[t] = -C[t] @ M[dX:, :dX]
        k[t] = -C[t] @ m[dX:]
        V = M[:dX, :dX] + M[:dX, dX:] @ K[t]
        v = m[:dX] + M[:dX, dX:] @ k[t]
        V = 0.5 * (V + V.T)
    return K, k, C


def forward_pass(F, f, S, mean0, cov0, K, k, C, anchor):
    """Returns the marginals of y_t, and the divergence from the anchor (K, k, P, log det C)."""
    T, dU, dX = K.shape
    mean, cov = np.zeros((T + 1, dX + dU)), np.zeros((T + 1, dX + dU, dX + dU))
    mean[0, :dX], cov[0, :dX, :dX] = mean0, cov0
    for t in range(T):
        mx, Sx = mean[t, :dX], cov[t, :dX, :dX]
        Sux = K[t] @ Sx
        mean[t, dX:] = K[t] @ mx + k[t]
        cov[t, dX:, :dX] = Sux
        cov[t, :dX, dX:] = Sux.T
        cov[t, dX:, dX:] = Sux @ K[t].T + C[t]
        mean[t + 1, :dX] = F[t] @ mean[t] + f[t]
        cov[t + 1, :dX, :dX] = F[t] @ cov[t] @ F[t].T + S[t]
    # All steps at once.
    aK, ak, aP, alog = anchor
    dK = K - aK
    d = np.einsum("tij,tj->ti", dK, mean[:T, :dX]) + k - ak
    PdK = aP @ dK
    kl = 0.5 * (
        np.einsum("tij,tji->t", aP, C)
        - dU
        + alog
        - np.linalg.slogdet(C)[1]
        + np.einsum("ti,tij,tj->t", d, aP, d)
        + np.einsum("tij,tij->t", PdK @ cov[:T, :dX, :dX], dK)
    )
    return mean, cov, kl


def covariances(L):
    return L @ L.transpose(0, 2, 1)


def anchor_of(a):
    C = covariances(a["anchor_L"])
    return a["anchor_K"], a["anchor_k"], np.linalg.inv(C), np.linalg.slogdet(C)[1]


def backward(a):
    dX = int(a["sizes"][1])
    return lambda: backward_pass(a["F"], a["f"], a["Q"], a["q"], dX), lambda r: r[:2]


def forward(a):
    def run():
        C = covariances(a["controller_L"])
        return forward_pass(a["F"], a["f"], a["S"], a["mean0"], a["cov0"], a["controller_K"], a["controller_k"], C, anchor_of(a))

    return run, list


def update(a):
    T, dX, dU = (int(v) for v in a["sizes"])

    def run():
        anchor = anchor_of(a)
        aK, ak, aP, _ = anchor
        PK = aP @ aK
        quad = np.concatenate([np.concatenate([aK.transpose(0, 2, 1) @ PK, -PK.transpose(0, 2, 1)], 2), np.concatenate([-PK, aP], 2)], 1)
        Pk = (aP @ ak[:, :, None])[:, :, 0]
        lin = np.concatenate([(aK.transpose(0, 2, 1) @ Pk[:, :, None])[:, :, 0], -Pk], 1)
        for eta in a["etas"]:
            Q, q = a["Q"] / eta, a["q"] / eta
            Q[:T] += quad
            q[:T] += lin
            K, k, C = backward_pass(a["F"], a["f"], Q, q, dX)
            kl = forward_pass(a["F"], a["f"], a["S"], a["mean0"], a["cov0"], K, k, C, anchor)[2]
        return K, k, np.linalg.cholesky(C), kl

    return run, list


def fit(a):
    T, dX, dU = (int(v) for v in a["sizes"])
    d = dX + dU

    def run():
        X, U = a["X"], a["U"]
        N = X.shape[0]
        Y = np.concatenate([X[:, :-1], U, X[:, 1:]], 2).transpose(1, 0, 2)
        mean = Y.mean(1)
        Y = Y - mean[:, None]
        sigma = Y.transpose(0, 2, 1) @ Y / N
        sigma[:, range(d), range(d)] += 1e-6
        F = np.linalg.solve(sigma[:, :d, :d], sigma[:, :d, d:]).transpose(0, 2, 1)
        f = mean[:, d:] - (F @ mean[:, :d, None])[:, :, 0]
        noise = sigma[:, d:, d:] - F @ sigma[:, :d, d:]
        return F, f, 0.5 * (noise + noise.transpose(0, 2, 1))

    return run, list


def log_joint(X, weights, means, covs):
    N, D = X.shape
    out = np.empty((N, len(weights)))
    for k in range(len(weights)):
        L = np.linalg.cholesky(covs[k])
        Z = (X - means[k]) @ np.linalg.inv(L).T
        out[:, k] = np.log(weights[k]) - 0.5 * (np.einsum("ni,ni->n", Z, Z) + D * np.log(2 * np.pi)) - np.log(np.diag(L)).sum()
    return out


def em(a):
    N, D, K, iterations = (int(v) for v in a["sizes"])
    X = a["points"]

    def run():
        weights, means, covs = a["weights"], a["means"], a["covs"].copy()
        for _ in range(iterations):
            R = log_joint(X, weights, means, covs)
            R = np.exp(R - R.max(1, keepdims=True))
            R /= R.sum(1, keepdims=True)
            mass = R.sum(0)
            weights, means = mass / N, R.T @ X / mass[:, None]
            for k in range(K):
                Y = X - means[k]
                covs[k] = (R[:, k, None] * Y).T @ Y / mass[k]
                covs[k].flat[:: D + 1] += 1e-6
        return weights, means, covs

    def reached(mixture):
        L = log_joint(X, *mixture)
        most = L.max(1)
        return [(most + np.log(np.exp(L - most[:, None]).sum(1))).sum()]

    return run, reached


KINDS = {"Backward": backward, "Forward": forward, "Update": update, "Fit": fit, "EM": em}
