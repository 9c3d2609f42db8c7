//go:build cgo && !nomujoco

#include "physics.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

// Where an error of the current thread goes, and the text of its latest error or warning.
static _Thread_local jmp_buf *way_out;
static _Thread_local char *told;

static void on_error(const char *text) {
  if (!way_out) { // only MuJoCo's own threads, which it starts for muscles, have no way out
    fprintf(stderr, "mujoco: %s\n", text);
    abort();
  }
  snprintf(told, MESSAGE_SIZE, "%s", text);
  longjmp(*way_out, 1);
}

static void on_warning(const char *text) {
  if (told) snprintf(told, MESSAGE_SIZE, "%s", text);
}

void install_handlers(void) {
  mju_user_error = on_error;
  mju_user_warning = on_warning;
}

// guarded calls f and returns 0, or 1 with a message if MuJoCo reports an error.
static int guarded(void (*f)(void *), void *argument, char *message) {
  jmp_buf here;
  int failed = 0;
  message[0] = 0;
  way_out = &here;
  told = message;
  if (setjmp(here) == 0)
    f(argument);
  else
    failed = 1;
  way_out = NULL;
  told = NULL;
  return failed;
}

mjVFS *files_new(void) {
  mjVFS *files = malloc(sizeof *files);
  if (files) mj_defaultVFS(files);
  return files;
}

struct new_file {
  mjVFS *files;
  const char *name;
  int size, status;
};

static void make_file(void *argument) {
  struct new_file *f = argument;
  f->status = mj_makeEmptyFileVFS(f->files, f->name, f->size);
}

void *files_add(mjVFS *files, const char *name, int size, char *message) {
  struct new_file f = {files, name, size, 0};
  if (guarded(make_file, &f, message)) return NULL;
  int i = mj_findFileVFS(files, name);
  if (f.status || i < 0) {
    snprintf(message, MESSAGE_SIZE, "MuJoCo does not take the file %s", name);
    return NULL;
  }
  return files->filedata[i];
}

void files_free(mjVFS *files) {
  if (files) mj_deleteVFS(files);
  free(files);
}

struct loading {
  const mjVFS *files;
  const char *name;
  struct plant *plant;
  char error[MESSAGE_SIZE];
};

static void load(void *argument) {
  struct loading *l = argument;
  struct plant *p = l->plant;
  p->model = mj_loadXML(l->name, l->files, l->error, sizeof l->error);
  if (!p->model || l->error[0]) return;
  p->data = mj_makeData(p->model);
  p->look = mj_makeData(p->model);
}

struct plant *plant_load(const mjVFS *files, const char *name, char *message) {
  struct plant *p = calloc(1, sizeof *p);
  if (!p) {
    snprintf(message, MESSAGE_SIZE, "out of memory");
    return NULL;
  }
  struct loading l = {files, name, p, ""};
  int failed = guarded(load, &l, message);
  if (!failed && l.error[0]) { // in words with a line, which a warning on the way lacks
    memcpy(message, l.error, sizeof l.error);
    failed = 1;
  }
  if (!failed && !message[0] && !(p->model && p->data && p->look)) {
    snprintf(message, MESSAGE_SIZE, "out of memory");
    failed = 1;
  }
  if (failed || message[0]) {
    plant_free(p);
    return NULL;
  }
  return p;
}

// saved is the size of what restore needs.
static size_t saved(const mjModel *m) { return m->nq + m->nv + m->na + m->nu + m->nv; }

int plant_room(struct plant *p, int joints) {
  p->joints = joints;
  p->drives = calloc(joints, sizeof *p->drives);
  p->before = calloc(saved(p->model), sizeof *p->before);
  return p->drives && p->before;
}

static void free_data(void *data) { mj_deleteData(data); }
static void free_model(void *model) { mj_deleteModel(model); }

void plant_free(struct plant *p) {
  if (!p) return;
  // MuJoCo reports memory that it finds damaged; there is nobody to tell.
  char ignored[MESSAGE_SIZE];
  if (p->data) guarded(free_data, p->data, ignored);
  if (p->look) guarded(free_data, p->look, ignored);
  if (p->model) guarded(free_model, p->model, ignored);
  free(p->drives);
  free(p->before);
  free(p);
}

static void read_state(const struct plant *p, double *state) {
  for (int i = 0; i < p->joints; i++) {
    state[i] = p->data->qpos[p->drives[i].qpos];
    state[p->joints + i] = p->data->qvel[p->drives[i].dof];
  }
}

static void reset(void *argument) {
  struct plant *p = argument;
  if (p->home >= 0)
    mj_resetDataKeyframe(p->model, p->data, p->home);
  else
    mj_resetData(p->model, p->data);
}

int plant_reset(struct plant *p, double *state) {
  if (guarded(reset, p, p->message)) return OUTCOME_ERROR;
  read_state(p, state);
  return OUTCOME_OK;
}

void plant_set(struct plant *p, const double *state) {
  for (int i = 0; i < p->joints; i++) {
    p->data->qpos[p->drives[i].qpos] = state[i];
    p->data->qvel[p->drives[i].dof] = state[p->joints + i];
  }
  memset(p->data->qacc_warmstart, 0, p->model->nv * sizeof(mjtNum));
}

// part copies n numbers of a state that is kept at *kept, out of or into the simulation.
static void part(double **kept, mjtNum *live, int n, int restore) {
  if (restore)
    memcpy(live, *kept, n * sizeof(double));
  else
    memcpy(*kept, live, n * sizeof(double));
  *kept += n;
}

static void keep(struct plant *p, int restore) {
  const mjModel *m = p->model;
  double *kept = p->before;
  part(&kept, p->data->qpos, m->nq, restore);
  part(&kept, p->data->qvel, m->nv, restore);
  part(&kept, p->data->act, m->na, restore);
  part(&kept, p->data->ctrl, m->nu, restore);
  part(&kept, p->data->qacc_warmstart, m->nv, restore);
}

// insane says if MuJoCo would refuse one of n numbers.
static int insane(const mjtNum *v, int n) {
  for (int i = 0; i < n; i++)
    if (mju_isBad(v[i])) return 1;
  return 0;
}

// warned finds what a step should not do. MuJoCo goes on after each of these: from the initial
// position, or without some of the contacts.
static int warned(const struct plant *p) {
  for (int i = 0; i < mjNWARNING; i++)
    if (i != mjWARN_VGEOMFULL && p->data->warning[i].number) return 1;
  return 0;
}

static void step(void *argument) {
  struct plant *p = argument;
  for (int i = 0; i < p->substeps && !warned(p); i++) mj_step(p->model, p->data);
}

int plant_step(struct plant *p, const double *action, double *state) {
  mjData *d = p->data;
  double time = d->time;
  keep(p, 0);
  for (int i = 0; i < p->joints; i++) {
    const struct drive *a = &p->drives[i];
    d->ctrl[a->actuator] = mju_max(a->low, mju_min(a->high, action[i])) / a->scale;
  }
  int outcome = OUTCOME_OK;
  if (guarded(step, p, p->message)) {
    outcome = OUTCOME_ERROR;
  } else if (d->warning[mjWARN_CONTACTFULL].number || d->warning[mjWARN_CNSTRFULL].number) {
    outcome = OUTCOME_ERROR;
  } else if (warned(p)) {
    outcome = OUTCOME_DIVERGED;
  } else if (insane(d->qpos, p->model->nq) || insane(d->qvel, p->model->nv)) {
    snprintf(p->message, MESSAGE_SIZE, "a position or velocity is not finite or above 1e10");
    outcome = OUTCOME_DIVERGED;
  }
  if (outcome == OUTCOME_OK) {
    read_state(p, state);
    return outcome;
  }
  char ignored[MESSAGE_SIZE];
  guarded(reset, p, ignored); // warnings, the stack
  keep(p, 1);
  d->time = time;
  return outcome;
}

static void look(void *argument) {
  struct plant *p = argument;
  const mjModel *m = p->model;
  const mjData *d = p->data;
  mjData *l = p->look;
  l->pstack = 0; // an error may have left it
  l->time = d->time;
  mju_copy(l->qpos, d->qpos, m->nq);
  mju_copy(l->qvel, d->qvel, m->nv);
  mju_copy(l->act, d->act, m->na);
  mju_copy(l->ctrl, d->ctrl, m->nu);
  mju_copy(l->mocap_pos, d->mocap_pos, 3 * m->nmocap);
  mju_copy(l->mocap_quat, d->mocap_quat, 4 * m->nmocap);
  mju_copy(l->qacc_warmstart, d->qacc_warmstart, m->nv);
  mj_forward(m, l);
}

int plant_look(struct plant *p) { return guarded(look, p, p->message) ? OUTCOME_ERROR : OUTCOME_OK; }

struct query {
  struct plant *plant;
  double *dst;
  const double *in;
  double *all; // room for the whole mass matrix
  int body;
};

static int ask(void (*f)(void *), struct query q) {
  if (!guarded(f, &q, q.plant->message)) return OUTCOME_OK;
  return OUTCOME_ERROR;
}

static void mass(void *argument) {
  struct query *q = argument;
  const struct plant *p = q->plant;
  int n = p->joints, nv = p->model->nv;
  mj_fullM(p->model, q->all, p->look->qM);
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) q->dst[i * n + j] = q->all[p->drives[i].dof * nv + p->drives[j].dof];
}

int plant_mass(struct plant *p, double *dst, double *all) {
  return ask(mass, (struct query){.plant = p, .dst = dst, .all = all});
}

static void inverse(void *argument) {
  struct query *q = argument;
  const struct plant *p = q->plant;
  const mjModel *m = p->model;
  mjData *d = p->look;
  mjMARKSTACK
  mjtNum *ddq = mj_stackAlloc(d, m->nv), *torque = mj_stackAlloc(d, m->nv);
  mju_zero(ddq, m->nv);
  for (int i = 0; i < p->joints; i++) ddq[p->drives[i].dof] = q->in[i];
  mj_mulM(m, d, torque, ddq);
  for (int i = 0; i < p->joints; i++) q->dst[i] = torque[p->drives[i].dof] + d->qfrc_bias[p->drives[i].dof];
  mjFREESTACK
}

int plant_inverse(struct plant *p, double *dst, const double *ddq) {
  return ask(inverse, (struct query){.plant = p, .dst = dst, .in = ddq});
}

static void jacobian(void *argument) {
  struct query *q = argument;
  const struct plant *p = q->plant;
  const mjModel *m = p->model;
  mjData *d = p->look;
  int n = p->joints, nv = m->nv;
  mjMARKSTACK
  mjtNum *both = mj_stackAlloc(d, 6 * nv), point[3];
  mju_rotVecMat(point, q->in, d->xmat + 9 * q->body);
  mju_addTo3(point, d->xpos + 3 * q->body);
  mj_jac(m, d, both, both + 3 * nv, point, q->body);
  for (int r = 0; r < 6; r++)
    for (int i = 0; i < n; i++) q->dst[r * n + i] = both[r * nv + p->drives[i].dof];
  mjFREESTACK
}

int plant_jacobian(struct plant *p, double *dst, int body, const double *point) {
  return ask(jacobian, (struct query){.plant = p, .dst = dst, .in = point, .body = body});
}
