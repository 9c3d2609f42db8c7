// A robot's side of the round trip: publishes joint states and times the command that answers
// each. The same program asks every node of the benchmark.
//
//   robot octets|messages DOMAIN
//
// octets speaks to pong.c: 292 octets there, 68 back. messages speaks to a ROS 2 node:
// sensor_msgs/msg/JointState of seven joints there, std_msgs/msg/Float64MultiArray back. With
// the encapsulation header both are 300 bytes there and 76 back.
//
// When the first answer has come it writes "ready\n". Then each line "TRIAL WARM COUNT\n" on
// standard input asks for WARM untimed and COUNT timed round trips, one after the other, and is
// answered by a line "COUNT ACTED BYTES\n" and COUNT times in ns as native uint32: ACTED answers
// had a torque other than 0 for the first joint, BYTES is the size of the latest. TRIAL 1 goes on
// to where a trial begins first: the arm is at rest where it is held, so that only a trial, which
// explores, has torques. COUNT 0 has no times. It ends with its input.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <dds/dds.h>
#include "raw.h"

enum { JOINTS = 7, PATIENCE_S = 20 };
static const int64_t step_ns = 50 * 1000 * 1000; // what a joint state is later than the last

struct robot {
  dds_entity_t writer, reader, waitset;
  const struct ddsi_sertype *type; // of the writer
  bool octets;
  unsigned char state[512];
  uint32_t size, stamp_at;
  int64_t stamp;
  uint32_t answer_size;
  bool acted; // the latest answer has a torque
};

static void fail(const char *what, dds_return_t rc) {
  fprintf(stderr, "robot: %s: %s\n", what, dds_strretcode(rc));
  exit(1);
}

static dds_entity_t must(const char *what, dds_entity_t e) {
  if (e < 0)
    fail(what, e);
  return e;
}

// put writes n bytes to the state at an offset that is a multiple of align behind the header.
static void put(struct robot *r, const void *bytes, uint32_t n, uint32_t align) {
  r->size = 4 + (r->size - 4 + align - 1) / align * align;
  memcpy(r->state + r->size, bytes, n);
  r->size += n;
}

static void put_length(struct robot *r, uint32_t n) { put(r, &n, 4, 4); }

// encode makes the state for a little-endian machine. Only its stamp changes afterwards.
static void encode(struct robot *r) {
  memcpy(r->state, (unsigned char[]){0, 1, 0, 0}, 4);
  r->size = r->stamp_at = 4;
  if (r->octets) {
    put_length(r, 292);
    r->stamp_at = r->size;
    r->size += 292;
    return;
  }
  put(r, (uint32_t[]){0, 0}, 8, 4);
  put_length(r, 1); // frame_id
  put(r, "", 1, 1);
  put_length(r, JOINTS);
  for (int i = 0; i < JOINTS; i++) {
    char name[16];
    uint32_t n = (uint32_t)snprintf(name, sizeof name, "joint%d", i + 1) + 1;
    put_length(r, n);
    put(r, name, n, 1);
  }
  for (int field = 0; field < 3; field++) { // position, velocity, effort: at rest at 0
    put_length(r, JOINTS);
    for (int i = 0; i < JOINTS; i++)
      put(r, &(double){0}, 8, 8);
  }
}

static void publish(struct robot *r) {
  r->stamp += step_ns;
  uint32_t stamp[2] = {(uint32_t)(r->stamp / 1000000000), (uint32_t)(r->stamp % 1000000000)};
  memcpy(r->state + r->stamp_at, stamp, sizeof stamp);
  dds_return_t rc = raw_publish(r->writer, r->type, r->state, r->size);
  if (rc != DDS_RETCODE_OK)
    fail("publish", rc);
}

// take waits for an answer, and says if there was one in time.
static bool take(struct robot *r, dds_duration_t patience) {
  for (;;) {
    struct ddsi_serdata *sample;
    dds_sample_info_t info;
    dds_return_t n = dds_takecdr(r->reader, &sample, 1, &info, DDS_ANY_STATE);
    if (n < 0)
      fail("take", n);
    if (n == 0) {
      n = dds_waitset_wait(r->waitset, NULL, 0, patience);
      if (n < 0)
        fail("wait", n);
      if (n == 0)
        return false;
      continue;
    }
    const struct raw_data *d = (const struct raw_data *)sample;
    bool valid = info.valid_data;
    if (valid) {
      double first = 0;
      if (!r->octets && d->size >= 28)
        memcpy(&first, d->bytes + 20, 8);
      r->acted = first != 0;
      r->answer_size = d->size;
    }
    ddsi_serdata_unref(sample);
    if (valid)
      return true;
  }
}

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static uint32_t round_trip(struct robot *r) {
  int64_t began = now();
  publish(r);
  if (!take(r, DDS_SECS(PATIENCE_S))) {
    fprintf(stderr, "robot: no answer to a joint state for %d s\n", PATIENCE_S);
    exit(1);
  }
  int64_t took = now() - began;
  return took < UINT32_MAX ? (uint32_t)took : UINT32_MAX;
}

// settle waits, and drops answers to nothing: the node publishes one by itself when it is given
// a trial while it holds the arm.
static void settle(struct robot *r, dds_duration_t time) {
  dds_sleepfor(time);
  while (take(r, 0))
    ;
}

// prime repeats joint states until one is answered, and lets late answers pass.
static void prime(struct robot *r) {
  int64_t began = now();
  do {
    if (now() - began > 3ll * PATIENCE_S * 1000000000) {
      fprintf(stderr, "robot: no answer to joint states for %d s\n", 3 * PATIENCE_S);
      exit(1);
    }
    publish(r);
  } while (!take(r, DDS_MSECS(50)));
  settle(r, DDS_MSECS(500));
}

// begin_trial ends the present trial and waits for the next, and until what the node does
// between trials, such as to write the last one to the disk, is over.
static void begin_trial(struct robot *r) {
  int64_t began = now();
  for (int torque = 1; torque >= 0; torque--)
    do {
      round_trip(r);
      if (now() - began > 3ll * PATIENCE_S * 1000000000) {
        fprintf(stderr, "robot: no trial began for %d s\n", 3 * PATIENCE_S);
        exit(1);
      }
    } while (r->acted == torque);
  settle(r, DDS_SECS(1));
}

static void run(struct robot *r) {
  char line[64];
  unsigned long trial, warm, count;
  while (fgets(line, sizeof line, stdin) != NULL) {
    if (sscanf(line, "%lu %lu %lu", &trial, &warm, &count) != 3 || count > 1ul << 28) {
      fprintf(stderr, "robot: %s: expected three counts\n", line);
      exit(1);
    }
    if (trial != 0)
      begin_trial(r);
    uint32_t *times = malloc((count + 1) * sizeof *times);
    if (times == NULL)
      fail("times", DDS_RETCODE_OUT_OF_RESOURCES);
    memset(times, 0, (count + 1) * sizeof *times); // no page is new while it measures
    for (unsigned long i = 0; i < warm; i++)
      round_trip(r);
    unsigned long acted = 0;
    for (unsigned long i = 0; i < count; i++) {
      times[i] = round_trip(r);
      acted += r->acted;
    }
    if (count > 0 && take(r, DDS_MSECS(5))) {
      fprintf(stderr, "robot: there are more answers than joint states: the times mean nothing\n");
      exit(1);
    }
    printf("%lu %lu %u\n", count, acted, (unsigned)r->answer_size);
    fwrite(times, sizeof *times, count, stdout);
    fflush(stdout);
    free(times);
  }
}

// open_topic makes a topic of raw CDR. On success *type is the one in use.
static dds_entity_t open_topic(dds_entity_t participant, const char *topic, const char *name, const struct ddsi_sertype **type) {
  struct ddsi_sertype *t = raw_type_new(name, 1 << 16);
  if (t == NULL)
    fail("type", DDS_RETCODE_OUT_OF_RESOURCES);
  dds_entity_t e = must(topic, dds_create_topic_sertype(participant, topic, &t, NULL, NULL, NULL));
  *type = t;
  return e;
}

int main(int argc, char **argv) {
  bool octets = argc == 3 && strcmp(argv[1], "octets") == 0;
  if (argc != 3 || (!octets && strcmp(argv[1], "messages") != 0)) {
    fprintf(stderr, "usage: robot octets|messages DOMAIN\n");
    return 2;
  }
  struct robot r = {.octets = octets, .stamp = 1000000000};
  encode(&r);
  dds_entity_t participant = must("participant", dds_create_participant((dds_domainid_t)atoi(argv[2]), NULL, NULL));
  const struct ddsi_sertype *unused;
  dds_entity_t states = open_topic(participant, "rt/joint_states", octets ? "octets" : "sensor_msgs::msg::dds_::JointState_", &r.type);
  dds_entity_t commands = open_topic(participant, "rt/effort_controller/commands", octets ? "octets" : "std_msgs::msg::dds_::Float64MultiArray_", &unused);
  dds_qos_t *q = dds_create_qos();
  dds_qset_reliability(q, DDS_RELIABILITY_RELIABLE, DDS_SECS(1));
  dds_qset_history(q, DDS_HISTORY_KEEP_LAST, 10);
  dds_qset_writer_data_lifecycle(q, false);
  r.writer = must("writer", dds_create_writer(participant, states, q, NULL));
  r.reader = must("reader", dds_create_reader(participant, commands, q, NULL));
  dds_delete_qos(q);
  dds_entity_t condition = must("condition", dds_create_readcondition(r.reader, DDS_ANY_STATE));
  r.waitset = must("waitset", dds_create_waitset(participant));
  must("attach", dds_waitset_attach(r.waitset, condition, 0));
  prime(&r);
  printf("ready\n");
  fflush(stdout);
  run(&r);
  return dds_delete(participant) == DDS_RETCODE_OK ? 0 : 1;
}
