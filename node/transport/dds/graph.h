//go:build !rclgo

// What Cyclone has discovered, read from its own caches when somebody asks.
#ifndef TRANSPORT_DDS_GRAPH_H
#define TRANSPORT_DDS_GRAPH_H

#include "mailbox.h"

enum entity_kind { ENTITY_PARTICIPANT, ENTITY_WRITER, ENTITY_READER };

struct entity {
  uint32_t kind; // enum entity_kind
  unsigned char guid[16], participant[16];
  uint32_t user_data_size; // 0 also if there is more than fits
  unsigned char user_data[512];
  // not of participants
  char topic[256], type[256]; // DDS names; longer ones are left out
  bool reliable, transient_local, manual_liveliness;
  int32_t depth;                           // 0 if all messages are kept
  int64_t deadline, lifespan, liveliness; // ns; INT64_MAX is none
};

struct graph {
  uint32_t size, capacity;
  struct entity *entities;
};

// graph_read fills g with what is known of the participant's domain, at most max entities.
// It returns a DDS return code. In any case graph_free takes g.
dds_return_t graph_read(dds_entity_t participant, uint32_t max, struct graph *g);
void graph_free(struct graph *g);

// graph_watch opens an endpoint that has an EVENT_CHANGE whenever an entity of the kind was
// discovered, changed or is gone.
dds_return_t graph_watch(struct mailbox *m, dds_entity_t participant, enum entity_kind kind, uint64_t id, struct endpoint **out);

#endif
