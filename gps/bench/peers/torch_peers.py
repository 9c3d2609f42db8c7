"""The work with torch on the processor, as package numpy_peers does it with numpy."""

import math
import timeit

import torch


def tensors(a):
    return {name: torch.from_numpy(v) for name, v in a.items()}


def backward(a):
    a = tensors(a)
    F, f, Q, q = a["F"], a["f"], a["Q"], a["q"]
    T, dX, dU = (int(v) for v in a["sizes"])

    def run():
        K, k = torch.empty(T, dU, dX, dtype=torch.float64), torch.empty(T, dU, dtype=torch.float64)
        V, v = Q[T, :dX, :dX], q[T, :dX]
        for t in range(T - 1, -1, -1):
            Ft = F[t]
            M = torch.addmm(Q[t], Ft.T, V @ Ft)
            m = torch.addmv(q[t], Ft.T, torch.addmv(v, V, f[t]))
            C = torch.cholesky_inverse(torch.linalg.cholesky(M[dX:, dX:]))
            torch.mm(C, M[dX:, :dX], out=K[t]).neg_()
            torch.mv(C, m[dX:], out=k[t]).neg_()
            V = torch.addmm(M[:dX, :dX], M[:dX, dX:], K[t])
            v = torch.addmv(m[:dX], M[:dX, dX:], k[t])
            V = 0.5 * (V + V.T)
        return K, k

    return run, list


def forward(a):
    a = tensors(a)
    T, dX, dU = (int(v) for v in a["sizes"])
    F, f, S, K, k = a["F"], a["f"], a["S"], a["controller_K"], a["controller_k"]

    def run():
        C = a["controller_L"] @ a["controller_L"].mT
        A, B = F[:, :, :dX], F[:, :, dX:]
        M, c = A + B @ K, f + (B @ k[:, :, None])[:, :, 0]
        noise = S + B @ C @ B.mT
        mean, cov = torch.empty(T, dX, dtype=torch.float64), torch.empty(T, dX, dX, dtype=torch.float64)
        m, Sigma = a["mean0"], a["cov0"]
        for t in range(T):
            mean[t], cov[t] = m, Sigma
            m = torch.addmv(c[t], M[t], m)
            Sigma = torch.addmm(noise[t], M[t] @ Sigma, M[t].T)
        aC = a["anchor_L"] @ a["anchor_L"].mT
        P = torch.linalg.inv(aC)
        dK = K - a["anchor_K"]
        d = torch.einsum("tij,tj->ti", dK, mean) + k - a["anchor_k"]
        return 0.5 * (
            torch.einsum("tij,tji->t", P, C)
            - dU
            + torch.linalg.slogdet(aC)[1]
            - torch.linalg.slogdet(C)[1]
            + torch.einsum("ti,tij,tj->t", d, P, d)
            + ((P @ dK @ cov) * dK).sum((1, 2))
        )

    return run, lambda kl: [kl]


def fit(a):
    a = tensors(a)
    T, dX, dU = (int(v) for v in a["sizes"])
    d = dX + dU
    X, U = a["X"], a["U"]

    def run():
        Y = torch.cat([X[:, :-1], U, X[:, 1:]], 2).transpose(0, 1)
        mean = Y.mean(1)
        Y = Y - mean[:, None]
        sigma = Y.mT @ Y / X.shape[0]
        torch.diagonal(sigma[:, :d, :d], dim1=1, dim2=2).add_(1e-6)
        L = torch.linalg.cholesky(sigma[:, :d, :d])
        F = torch.cholesky_solve(sigma[:, :d, d:], L).mT
        f = mean[:, d:] - (F @ mean[:, :d, None])[:, :, 0]
        noise = sigma[:, d:, d:] - F @ sigma[:, :d, d:]
        return F, f, 0.5 * (noise + noise.mT)

    return run, list


def log_joint(X, weights, means, covs):
    D = X.shape[1]
    L = torch.linalg.cholesky(covs)
    out = torch.empty(X.shape[0], len(weights), dtype=torch.float64)
    for k in range(len(weights)):
        Z = torch.linalg.solve_triangular(L[k], (X - means[k]).T, upper=False)
        out[:, k] = torch.log(weights[k]) - 0.5 * ((Z * Z).sum(0) + D * math.log(2 * math.pi)) - torch.log(torch.diagonal(L[k])).sum()
    return out


def em(a):
    a = tensors(a)
    N, D, K, iterations = (int(v) for v in a["sizes"])
    X = a["points"]

    def run():
        weights, means, covs = a["weights"], a["means"], a["covs"].clone()
        for _ in range(iterations):
            R = torch.softmax(log_joint(X, weights, means, covs), 1)
            mass = R.sum(0)
            weights, means = mass / N, R.T @ X / mass[:, None]
            for k in range(K):
                Y = X - means[k]
                covs[k] = (R[:, k, None] * Y).T @ Y / mass[k]
                torch.diagonal(covs[k]).add_(1e-6)
        return weights, means, covs

    return run, lambda mixture: [torch.logsumexp(log_joint(X, *mixture), 1).sum()]


def layers(a):
    """Returns the weights and biases of the network in float32."""
    sizes, flat, at, out = [int(v) for v in a["sizes"]], torch.from_numpy(a["network"]).float(), 0, []
    for n, m in zip(sizes, sizes[1:]):
        out += [flat[at : at + n * m].reshape(m, n).clone(), flat[at + n * m : at + n * m + m].clone()]
        at += n * m + m
    return out


def network(p, x):
    x = torch.relu(torch.nn.functional.linear(x, p[0], p[1]))
    x = torch.relu(torch.nn.functional.linear(x, p[2], p[3]))
    return torch.nn.functional.linear(x, p[4], p[5])


def training(a):
    X, Y, P, w = (torch.from_numpy(a[name]).float() for name in ("X", "Y", "P", "w"))
    steps, rate, beta1, beta2, epsilon = a["settings"]
    Pw = P * w[:, None, None] / (2 * len(X))

    def run(foreach):
        parameters = [v.requires_grad_() for v in layers(a)]
        adam = torch.optim.Adam(parameters, lr=rate, betas=(beta1, beta2), eps=epsilon, foreach=foreach)
        losses = []
        with torch.enable_grad():
            for _ in range(int(steps)):
                d = network(parameters, X) - Y
                loss = (torch.bmm(Pw, d[:, :, None])[:, :, 0] * d).sum()
                adam.zero_grad(set_to_none=True)
                loss.backward()
                adam.step()
                losses.append(loss.item())
        return losses[0], losses[-1]

    # The faster of its two forms.
    foreach = min((False, True), key=lambda form: min(timeit.repeat(lambda: run(form), number=1, repeat=3)))
    return lambda: run(foreach), lambda losses: [losses]


def inference(a):
    p, X = layers(a), torch.from_numpy(a["X"]).float()
    rows = list(X)

    def run():
        return [network(p, x) for x in rows]

    return run, lambda y: [torch.stack(y)]


KINDS = {"Backward": backward, "Forward": forward, "Fit": fit, "EM": em, "Training": training, "Inference": inference}
