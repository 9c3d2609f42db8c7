//go:build !rclgo

#include "graph.h"

#include <stdlib.h>
#include <string.h>
#include "endpoint.h"

static dds_entity_t builtin_topic(enum entity_kind kind) {
  switch (kind) {
    case ENTITY_PARTICIPANT:
      return DDS_BUILTIN_TOPIC_DCPSPARTICIPANT;
    case ENTITY_WRITER:
      return DDS_BUILTIN_TOPIC_DCPSPUBLICATION;
    default:
      return DDS_BUILTIN_TOPIC_DCPSSUBSCRIPTION;
  }
}

static void copy_user_data(struct entity *e, const dds_qos_t *q) {
  void *data = NULL;
  size_t size = 0;
  if (dds_qget_userdata(q, &data, &size) && size > 0 && size <= sizeof(e->user_data)) {
    memcpy(e->user_data, data, size);
    e->user_data_size = (uint32_t)size;
  }
  dds_free(data);
}

static bool copy_name(char dst[256], const char *src) {
  size_t n = src == NULL ? 256 : strnlen(src, 256);
  if (n == 256)
    return false;
  memcpy(dst, src, n + 1);
  return true;
}

static void copy_qos(struct entity *e, const dds_qos_t *q) {
  dds_reliability_kind_t reliability;
  dds_durability_kind_t durability;
  dds_liveliness_kind_t liveliness;
  dds_history_kind_t history;
  int32_t depth;
  e->reliable = dds_qget_reliability(q, &reliability, NULL) && reliability == DDS_RELIABILITY_RELIABLE;
  e->transient_local = dds_qget_durability(q, &durability) && durability != DDS_DURABILITY_VOLATILE;
  if (dds_qget_history(q, &history, &depth) && history == DDS_HISTORY_KEEP_LAST)
    e->depth = depth;
  if (!dds_qget_deadline(q, &e->deadline))
    e->deadline = DDS_INFINITY;
  if (!dds_qget_lifespan(q, &e->lifespan))
    e->lifespan = DDS_INFINITY;
  if (dds_qget_liveliness(q, &liveliness, &e->liveliness))
    e->manual_liveliness = liveliness == DDS_LIVELINESS_MANUAL_BY_TOPIC;
  else
    e->liveliness = DDS_INFINITY;
}

static bool copy_entity(struct entity *e, enum entity_kind kind, const void *sample) {
  memset(e, 0, sizeof(*e));
  e->kind = kind;
  if (kind == ENTITY_PARTICIPANT) {
    const dds_builtintopic_participant_t *s = sample;
    memcpy(e->guid, s->key.v, 16);
    memcpy(e->participant, s->key.v, 16);
    copy_user_data(e, s->qos);
    return true;
  }
  const dds_builtintopic_endpoint_t *s = sample;
  memcpy(e->guid, s->key.v, 16);
  memcpy(e->participant, s->participant_key.v, 16);
  copy_user_data(e, s->qos);
  copy_qos(e, s->qos);
  return copy_name(e->topic, s->topic_name) && copy_name(e->type, s->type_name);
}

static struct entity *grow(struct graph *g) {
  if (g->size == g->capacity) {
    uint32_t capacity = g->capacity == 0 ? 64 : 2 * g->capacity;
    struct entity *entities = realloc(g->entities, capacity * sizeof(*entities));
    if (entities == NULL)
      return NULL;
    g->entities = entities;
    g->capacity = capacity;
  }
  return &g->entities[g->size];
}

enum { BATCH = 64 };

// A reader of a builtin topic that is opened now gets what there is now, from the tables of
// the entities themselves.
static dds_return_t read_kind(dds_entity_t participant, enum entity_kind kind, uint32_t max, struct graph *g) {
  dds_entity_t reader = dds_create_reader(participant, builtin_topic(kind), NULL, NULL);
  if (reader < 0)
    return reader;
  dds_return_t n;
  do {
    void *samples[BATCH] = {NULL};
    dds_sample_info_t infos[BATCH];
    n = dds_take(reader, samples, infos, BATCH, BATCH);
    for (dds_return_t i = 0; i < n; i++) {
      if (!infos[i].valid_data || infos[i].instance_state != DDS_ALIVE_INSTANCE_STATE || g->size == max)
        continue;
      struct entity *e = grow(g);
      if (e != NULL && copy_entity(e, kind, samples[i]))
        g->size++;
    }
    if (n > 0)
      dds_return_loan(reader, samples, n);
  } while (n == BATCH);
  dds_delete(reader);
  return n < 0 ? n : DDS_RETCODE_OK;
}

dds_return_t graph_read(dds_entity_t participant, uint32_t max, struct graph *g) {
  *g = (struct graph){0};
  dds_return_t rc = DDS_RETCODE_OK;
  for (int kind = ENTITY_PARTICIPANT; kind <= ENTITY_READER && rc == DDS_RETCODE_OK; kind++)
    rc = read_kind(participant, kind, max, g);
  return rc;
}

void graph_free(struct graph *g) { free(g->entities); }

dds_return_t graph_watch(struct mailbox *m, dds_entity_t participant, enum entity_kind kind, uint64_t id, struct endpoint **out) {
  dds_entity_t reader = dds_create_reader(participant, builtin_topic(kind), NULL, NULL);
  if (reader < 0)
    return reader;
  return endpoint_watch(m, reader, id, out);
}
