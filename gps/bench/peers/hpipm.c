/*
 * Times HPIPM and BLASFEO on a linear-quadratic problem and prints one line of JSON.
 *
 *   hpipm problem.f64 gains.f64 seconds
 *
 * problem.f64 holds doubles: T, dX, dU, then row-major with the time step first
 * F (T x dX x D), f (T x dX), Q (T+1 x D x D), q (T+1 x D), with y = [x; u], D = dX+dU.
 * gains.f64 receives K (T x dU x dX) and k (T x dU) of u = K x + k.
 *
 * Three ways to the same gains, each the best of what fits in the given seconds:
 *   hpipm      d_ocp_qp_fact_solve_kkt_unconstr: HPIPM's recursion, then its rollout of the mean
 *   root       the recursion alone on BLASFEO, with the value function kept as its Cholesky
 *              factor (G. Frison, J. B. Jorgensen, "Efficient implementation of the Riccati
 *              recursion for solving linear-quadratic control problems", CCA 2013)
 *   classical  the recursion alone on BLASFEO, with the value function itself
 */
#include <blasfeo.h>
#include <hpipm_d_ocp_qp.h>
#include <hpipm_d_ocp_qp_dim.h>
#include <hpipm_d_ocp_qp_ipm.h>
#include <hpipm_d_ocp_qp_kkt.h>
#include <hpipm_d_ocp_qp_sol.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct blasfeo_dmat matrix;

static int T, dX, dU, D;
static struct d_ocp_qp qp;
static struct d_ocp_qp_sol solution;
static struct d_ocp_qp_ipm_arg arg;
static struct d_ocp_qp_ipm_ws workspace;
/* Per stage: [B'; A'; b'] and [R S; S' Q; r' q'], [u; x] first to last, and their factors. */
static matrix *dynamics, *cost, *factor, *value;
static matrix product, gain;

static void fail(const char *what) {
	fprintf(stderr, "hpipm: %s\n", what);
	exit(1);
}

static void *memory(size_t bytes) {
	void *p = NULL;
	if (posix_memalign(&p, 64, bytes + 64) != 0) fail("out of memory");
	memset(p, 0, bytes + 64);
	return p;
}

static double *doubles(FILE *in, size_t n) {
	double *a = memory(n * sizeof *a);
	if (fread(a, sizeof *a, n, in) != n) fail("the problem's file is too short");
	return a;
}

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + 1e-9 * t.tv_nsec;
}

static matrix *matrices(int n) { return memory(n * sizeof(matrix)); }

static void allocate(int rows, int columns, matrix *m) {
	blasfeo_create_dmat(rows, columns, m, memory(blasfeo_memsize_dmat(rows, columns)));
}

/* read fills HPIPM's problem, which the recursions of this file share. */
static void read(const char *path) {
	FILE *in = fopen(path, "rb");
	if (in == NULL) fail("cannot open the problem's file");
	double *sizes = doubles(in, 3);
	T = sizes[0], dX = sizes[1], dU = sizes[2], D = dX + dU;
	double *F = doubles(in, (size_t)T * dX * D), *f = doubles(in, (size_t)T * dX);
	double *Q = doubles(in, (size_t)(T + 1) * D * D), *q = doubles(in, (size_t)(T + 1) * D);
	fclose(in);

	struct d_ocp_qp_dim dim;
	d_ocp_qp_dim_create(T, &dim, memory(d_ocp_qp_dim_memsize(T)));
	for (int t = 0; t <= T; t++) {
		d_ocp_qp_dim_set_nx(t, dX, &dim);
		d_ocp_qp_dim_set_nu(t, t < T ? dU : 0, &dim);
	}
	struct d_ocp_qp_dim *kept = memory(sizeof dim);
	*kept = dim;
	d_ocp_qp_create(kept, &qp, memory(d_ocp_qp_memsize(kept)));
	double *block = memory((size_t)D * D * sizeof *block);
	for (int t = 0; t <= T; t++) {
		const double *Qt = Q + (size_t)t * D * D, *qt = q + (size_t)t * D;
		int n = t < T ? D : dX;
		for (int i = 0; i < dX; i++)
			for (int j = 0; j < dX; j++) block[i + j * dX] = Qt[i * D + j];
		d_ocp_qp_set_Q(t, block, &qp);
		d_ocp_qp_set_q(t, (double *)qt, &qp);
		if (n == dX) continue;
		for (int i = 0; i < dU; i++)
			for (int j = 0; j < dU; j++) block[i + j * dU] = Qt[(dX + i) * D + dX + j];
		d_ocp_qp_set_R(t, block, &qp);
		for (int i = 0; i < dU; i++)
			for (int j = 0; j < dX; j++) block[i + j * dU] = Qt[(dX + i) * D + j];
		d_ocp_qp_set_S(t, block, &qp);
		d_ocp_qp_set_r(t, (double *)qt + dX, &qp);
		const double *Ft = F + (size_t)t * dX * D;
		for (int i = 0; i < dX; i++)
			for (int j = 0; j < D; j++) block[i + j * dX] = Ft[i * D + j];
		d_ocp_qp_set_A(t, block, &qp);
		d_ocp_qp_set_B(t, block + (size_t)dX * dX, &qp);
		d_ocp_qp_set_b(t, f + (size_t)t * dX, &qp);
	}
	d_ocp_qp_sol_create(kept, &solution, memory(d_ocp_qp_sol_memsize(kept)));
	d_ocp_qp_ipm_arg_create(kept, &arg, memory(d_ocp_qp_ipm_arg_memsize(kept)));
	d_ocp_qp_ipm_arg_set_default(SPEED, &arg);
	arg.reg_prim = 0;
	arg.comp_dual_sol_eq = 0; /* the multipliers of the dynamics are not asked for */
	d_ocp_qp_ipm_ws_create(kept, &arg, &workspace, memory(d_ocp_qp_ipm_ws_memsize(kept, &arg)));

	dynamics = qp.BAbt, cost = qp.RSQrq;
	factor = matrices(T + 1), value = matrices(T + 1);
	for (int t = 0; t <= T; t++) {
		allocate(D + 1, D, factor + t);
		allocate(dX + 1, dX, value + t);
	}
	allocate(D + 1, dX, &product);
	allocate(dX + 1, dU, &gain);
	/* The recursions of this file take the linear terms from the last rows. */
	for (int t = 0; t <= T; t++) {
		blasfeo_drowin(t < T ? D : dX, 1.0, qp.rqz + t, 0, cost + t, t < T ? D : dX, 0);
		if (t < T) blasfeo_drowin(dX, 1.0, qp.b + t, 0, dynamics + t, D, 0);
	}
}

static void hpipm(void) {
	d_ocp_qp_fact_solve_kkt_unconstr(&qp, &solution, &arg, &workspace);
}

static void root(void) {
	blasfeo_dpotrf_l_mn(dX + 1, dX, cost + T, 0, 0, factor + T, 0, 0);
	for (int t = T - 1; t >= 0; t--) {
		int u = t + 1 < T ? dU : 0; /* where the states begin in the next factor */
		blasfeo_dtrmm_rlnn(D + 1, dX, 1.0, factor + t + 1, u, u, dynamics + t, 0, 0, &product, 0, 0);
		blasfeo_dgead(1, dX, 1.0, factor + t + 1, u + dX, u, &product, D, 0);
		blasfeo_dsyrk_dpotrf_ln_mn(D + 1, D, dX, &product, 0, 0, &product, 0, 0, cost + t, 0, 0, factor + t, 0, 0);
	}
}

static void classical(void) {
	blasfeo_dgecp(dX + 1, dX, cost + T, 0, 0, value + T, 0, 0);
	blasfeo_dtrtr_l(dX, value + T, 0, 0, value + T, 0, 0);
	for (int t = T - 1; t >= 0; t--) {
		blasfeo_dgemm_nt(D + 1, dX, dX, 1.0, dynamics + t, 0, 0, value + t + 1, 0, 0, 0.0, &product, 0, 0, &product, 0, 0);
		blasfeo_dgead(1, dX, 1.0, value + t + 1, dX, 0, &product, D, 0);
		blasfeo_dsyrk_ln_mn(D + 1, D, dX, 1.0, &product, 0, 0, dynamics + t, 0, 0, 1.0, cost + t, 0, 0, factor + t, 0, 0);
		blasfeo_dpotrf_l_mn(D + 1, dU, factor + t, 0, 0, factor + t, 0, 0);
		blasfeo_dgecp(dX + 1, dU, factor + t, dU, 0, &gain, 0, 0);
		blasfeo_dsyrk_ln_mn(dX + 1, dX, dU, -1.0, &gain, 0, 0, &gain, 0, 0, 1.0, factor + t, dU, dU, value + t, 0, 0);
		blasfeo_dtrtr_l(dX, value + t, 0, 0, value + t, 0, 0);
	}
}

/* best returns the shortest of the runs that fit in the given seconds, at least ten. */
static double best(void (*run)(void), double seconds) {
	double least = 1e9, began = now();
	for (int n = 0; n < 10 || now() - began < seconds; n++) {
		double before = now();
		run();
		double took = now() - before;
		if (took < least) least = took;
	}
	return least;
}

/* gains reads K = -L_uu^-T L_xu' and k = -L_uu^-T l_u out of the factors. */
static void gains(matrix *factors, double *K, double *k) {
	for (int t = 0; t < T; t++)
		for (int j = 0; j <= dX; j++) {
			double v[256];
			for (int i = dU - 1; i >= 0; i--) {
				double s = -BLASFEO_DMATEL(factors + t, dU + j, i);
				for (int l = i + 1; l < dU; l++) s -= BLASFEO_DMATEL(factors + t, l, i) * v[l];
				v[i] = s / BLASFEO_DMATEL(factors + t, i, i);
				if (j < dX)
					K[((size_t)t * dU + i) * dX + j] = v[i];
				else
					k[(size_t)t * dU + i] = v[i];
			}
		}
}

/* agree fails if a way gives other gains than the first. */
static void agree(const char *name, matrix *factors, const double *want, double *got) {
	size_t n = (size_t)T * dU * (dX + 1);
	gains(factors, got, got + (size_t)T * dU * dX);
	double most = 0, scale = 0;
	for (size_t i = 0; i < n; i++) {
		double d = got[i] - want[i], w = want[i];
		if (d < 0) d = -d;
		if (w < 0) w = -w;
		if (!(d <= most)) most = d;
		if (w > scale) scale = w;
	}
	if (!(most <= 1e-8 * scale)) fail(name);
}

int main(int argc, char **argv) {
	if (argc != 4) fail("usage: hpipm problem.f64 gains.f64 seconds");
	read(argv[1]);
	if (dU > 256) fail("more than 256 actions");
	double seconds = atof(argv[3]);
	size_t n = (size_t)T * dU * (dX + 1);
	double *want = memory(n * sizeof *want), *got = memory(n * sizeof *got);

	double inRoot = best(root, seconds);
	gains(factor, want, want + (size_t)T * dU * dX);
	double inClassical = best(classical, seconds);
	agree("the classical recursion gives other gains", factor, want, got);
	double inHPIPM = best(hpipm, seconds);
	agree("HPIPM's recursion gives other gains", workspace.L, want, got);

	FILE *out = fopen(argv[2], "wb");
	if (out == NULL || fwrite(want, sizeof *want, n, out) != n || fclose(out) != 0) fail("cannot write the gains");
	double least = inRoot < inClassical ? inRoot : inClassical;
	printf("{\"backward_ns\": %.0f, \"root_ns\": %.0f, \"classical_ns\": %.0f, \"with_rollout_ns\": %.0f}\n",
		least * 1e9, inRoot * 1e9, inClassical * 1e9, inHPIPM * 1e9);
	return 0;
}
