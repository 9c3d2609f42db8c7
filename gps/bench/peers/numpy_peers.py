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
    """Returns the divergences from the anchor (K, k, P, log det C) under the controller's states."""
    T, dU, dX = K.shape
    A, B = F[:, :, :dX], F[:, :, dX:]
    M, c = A + B @ K, f + (B @ k[:, :, None])[:, :, 0]
    noise = S + B @ C @ B.transpose(0, 2, 1)
    mean, cov = np.empty((T, dX)), np.empty((T, dX, dX))
    m, Sigma = mean0, cov0
    for t in range(T):
        mean[t], cov[t] = m, Sigma
        m = M[t] @ m + c[t]
        Sigma = M[t] @ Sigma @ M[t].T + noise[t]
    # All steps at once.
    aK, ak, aP, alog = anchor
    dK = K - aK
    d = np.einsum("tij,tj->ti", dK, mean) + k - ak
    return 0.5 * (
        np.einsum("tij,tji->t", aP, C)
        - dU
        + alog
        - np.linalg.slogdet(C)[1]
        + np.einsum("ti,tij,tj->t", d, aP, d)
        + np.einsum("tij,tij->t", aP @ dK @ cov, dK)
    )


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

    return run, lambda kl: [kl]


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
            kl = forward_pass(a["F"], a["f"], a["S"], a["mean0"], a["cov0"], K, k, C, anchor)
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


def turned(v, joint, sin, cos):
    """Rotates vectors (..., 3) about axis z (even joints) or y (odd ones)."""
    x, y, z = v[..., 0], v[..., 1], v[..., 2]
    if joint % 2 == 0:
        return np.stack([cos * x - sin * y, sin * x + cos * y, z], -1)
    return np.stack([cos * x + sin * z, y, cos * z - sin * x], -1)


def kinematics(q, links, tool):
    """Returns the tool's points (M, 6) and their derivatives (M, 6, 7) at angles q (M, 7)."""
    M, n = q.shape
    sin, cos = np.sin(q), np.cos(q)
    p = np.broadcast_to(tool, (M,) + tool.shape).copy()  # M, points, 3
    columns = np.zeros((M, n) + tool.shape)
    for i in range(n - 1, -1, -1):
        p[..., 2] += links[i]
        p = turned(p, i, sin[:, i, None], cos[:, i, None])
        columns[:, i + 1 :] = turned(columns[:, i + 1 :], i, sin[:, i, None, None], cos[:, i, None, None])
        zero = np.zeros_like(p[..., 0])
        columns[:, i] = np.stack([p[..., 2], zero, -p[..., 0]] if i % 2 else [-p[..., 1], p[..., 0], zero], -1)
    return p.reshape(M, -1), columns.reshape(M, n, -1).transpose(0, 2, 1)


def expansion(a):
    T, dX, dU = (int(v) for v in a["sizes"])
    l2, log, alpha = a["penalty"]
    n = len(a["links"])

    def run():
        X, U = a["X"][:, :T].reshape(-1, dX), a["U"].reshape(-1, dU)
        points, J = kinematics(X[:, :n], a["links"], a["tool"])
        d = points - a["target"]
        s = alpha + (d * d).sum(1)
        dd = d[:, :, None] * d[:, None]
        H = (l2 + log / s)[:, None, None] * np.eye(d.shape[1]) - (2 * log / s**2)[:, None, None] * dd
        Jt = J.transpose(0, 2, 1)
        M, D = len(X), dX + dU
        Q, g = np.zeros((M, D, D)), np.zeros((M, D))
        Q[:, :n, :n] = Jt @ H @ J
        Q[:, range(dX, D), range(dX, D)] = a["weights"]
        g[:, :n] = (Jt @ (d * (l2 + log / s)[:, None])[:, :, None])[:, :, 0]
        g[:, dX:] = a["weights"] * U
        c = 0.5 * (l2 * (d * d).sum(1) + log * np.log(s)) + 0.5 * (a["weights"] * U * U).sum(1)
        # From about y to about 0.
        y = np.concatenate([X, U], 1)
        Qy = (Q @ y[:, :, None])[:, :, 0]
        c += (y * (0.5 * Qy - g)).sum(1)
        return [v.reshape((-1, T) + v.shape[1:]).mean(0) for v in (Q, g - Qy, c)]

    return run, list


KINDS = {"Backward": backward, "Forward": forward, "Update": update, "Fit": fit, "EM": em, "Expansion": expansion}
