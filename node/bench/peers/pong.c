// The bare Cyclone DDS side of the round trip, as Cyclone's own round-trip example has it:
// answers each sample of a sequence of octets with another one, by its typed interface.
//
//   pong waitset|listener DOMAIN
//
// waitset takes and answers in the main thread, listener on the thread that receives. It ends
// with its standard input.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stddef.h>
#include <unistd.h>
#include <pthread.h>
#include <dds/dds.h>

struct octets {
  dds_sequence_t payload;
};

static const uint32_t ops[] = {DDS_OP_ADR | DDS_OP_TYPE_SEQ | DDS_OP_SUBTYPE_1BY, offsetof(struct octets, payload), DDS_OP_RTS};

static const dds_topic_descriptor_t octets_type = {
  .m_size = sizeof(struct octets), .m_align = sizeof(void *), .m_flagset = 0, .m_typename = "octets", .m_nops = 2, .m_ops = ops, .m_meta = ""};

static uint8_t bytes[68];
static struct octets answer = {.payload = {._maximum = sizeof bytes, ._length = sizeof bytes, ._buffer = bytes, ._release = false}};

static dds_entity_t must(const char *what, dds_entity_t e) {
  if (e < 0) {
    fprintf(stderr, "pong: %s: %s\n", what, dds_strretcode(e));
    exit(1);
  }
  return e;
}

// respond answers all samples that are there.
static void respond(dds_entity_t reader, dds_entity_t writer) {
  void *samples[1] = {NULL};
  dds_sample_info_t info;
  dds_return_t n;
  while ((n = must("take", dds_take(reader, samples, &info, 1, 1))) > 0) {
    if (info.valid_data)
      must("write", dds_write(writer, &answer));
    must("return loan", dds_return_loan(reader, samples, n));
  }
}

static void on_data(dds_entity_t reader, void *writer) { respond(reader, *(dds_entity_t *)writer); }

static void *wait_for_end(void *guard) {
  char c;
  while (read(STDIN_FILENO, &c, 1) > 0)
    ;
  dds_set_guardcondition(*(dds_entity_t *)guard, true);
  return NULL;
}

int main(int argc, char **argv) {
  int listens = argc == 3 && strcmp(argv[1], "listener") == 0;
  if (argc != 3 || (!listens && strcmp(argv[1], "waitset") != 0)) {
    fprintf(stderr, "usage: pong waitset|listener DOMAIN\n");
    return 2;
  }
  dds_entity_t participant = must("participant", dds_create_participant((dds_domainid_t)atoi(argv[2]), NULL, NULL));
  dds_entity_t states = must("topic", dds_create_topic(participant, &octets_type, "rt/joint_states", NULL, NULL));
  dds_entity_t commands = must("topic", dds_create_topic(participant, &octets_type, "rt/effort_controller/commands", NULL, NULL));
  dds_qos_t *q = dds_create_qos();
  dds_qset_reliability(q, DDS_RELIABILITY_RELIABLE, DDS_SECS(1));
  dds_qset_history(q, DDS_HISTORY_KEEP_LAST, 10);
  dds_qset_writer_data_lifecycle(q, false);
  dds_entity_t writer = must("writer", dds_create_writer(participant, commands, q, NULL));
  dds_listener_t *listener = NULL;
  if (listens) {
    listener = dds_create_listener(&writer);
    dds_lset_data_available(listener, on_data);
  }
  dds_entity_t reader = must("reader", dds_create_reader(participant, states, q, listener));
  dds_delete_listener(listener);
  dds_delete_qos(q);
  dds_entity_t guard = must("guard", dds_create_guardcondition(participant));
  dds_entity_t waitset = must("waitset", dds_create_waitset(participant));
  must("attach", dds_waitset_attach(waitset, guard, guard));
  if (!listens) {
    dds_entity_t condition = must("condition", dds_create_readcondition(reader, DDS_ANY_STATE));
    must("attach", dds_waitset_attach(waitset, condition, condition));
  }
  pthread_t waiter;
  if (pthread_create(&waiter, NULL, wait_for_end, &guard) != 0)
    return 1;
  for (;;) {
    dds_attach_t seen[2];
    dds_return_t n = must("wait", dds_waitset_wait(waitset, seen, 2, DDS_INFINITY));
    for (dds_return_t i = 0; i < n && i < 2; i++)
      if (seen[i] == guard)
        goto ended;
    respond(reader, writer);
  }
ended:
  pthread_join(waiter, NULL);
  return dds_delete(participant) == DDS_RETCODE_OK ? 0 : 1;
}
