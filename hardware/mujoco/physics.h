//go:build cgo && !nomujoco

// MuJoCo behind calls that return its errors. By default mju_error ends the process and
// mju_warning writes a file; here a handler takes the message, and an error leaves MuJoCo by
// longjmp. A struct plant is for one thread at a time.
#ifndef HARDWARE_MUJOCO_PHYSICS_H
#define HARDWARE_MUJOCO_PHYSICS_H

#include <mujoco/mujoco.h>

enum outcome {
  OUTCOME_OK,
  OUTCOME_ERROR,    // message says what
  OUTCOME_DIVERGED, // message says what
};

enum { MESSAGE_SIZE = 1000 };

// A joint of the robot and its motor.
struct drive {
  int qpos, dof, actuator; // indices in mjData's qpos, qvel and ctrl
  double scale;            // torque or force per unit of ctrl
  double low, high;        // bounds of the torque or force
};

struct plant {
  mjModel *model;
  mjData *data; // what is simulated
  mjData *look; // a copy to look at, with everything derived from the state
  int joints, substeps, home; // home: index of the keyframe, or -1
  struct drive *drives;       // joints
  double *before;             // the state before a step
  char message[MESSAGE_SIZE];
};

// install_handlers makes MuJoCo's handlers ours; once, before anything else.
void install_handlers(void);

// files_new returns an empty virtual file system, or NULL without memory.
mjVFS *files_new(void);
// files_add makes room for a file of size > 0 bytes and returns it, or NULL and a message.
void *files_add(mjVFS *files, const char *name, int size, char *message);
void files_free(mjVFS *files);

// plant_load compiles the model. It returns NULL and a message if there is an error or a
// warning. The caller fills joints, substeps and home, and drives by plant_drive.
struct plant *plant_load(const mjVFS *files, const char *name, char *message);
// plant_room allocates drives; 0 if there is no memory.
int plant_room(struct plant *p, int joints);
void plant_free(struct plant *p);

// The functions below return an enum outcome; state is [q; dq] of the robot's joints.

// plant_reset takes the model to its keyframe or initial position.
int plant_reset(struct plant *p, double *state);
// plant_set sets the state of the robot's joints and forgets the solver's warm start.
void plant_set(struct plant *p, const double *state);
// plant_step holds the action for all substeps and writes the state, or leaves everything
// as it was.
int plant_step(struct plant *p, const double *action, double *state);

// plant_look brings look up to date.
int plant_look(struct plant *p);
// plant_mass writes the mass matrix of the robot's joints. The ones from here on need look.
int plant_mass(struct plant *p, double *dst, double *all);
// plant_inverse writes M ddq + bias.
int plant_inverse(struct plant *p, double *dst, const double *ddq);
// plant_jacobian writes the 6 x joints Jacobian of a point in a body's frame.
int plant_jacobian(struct plant *p, double *dst, int body, const double *point);

#endif
