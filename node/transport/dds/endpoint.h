//go:build !rclgo

// What an endpoint is to the C files; Go sees it through mailbox.h.
#ifndef TRANSPORT_DDS_ENDPOINT_H
#define TRANSPORT_DDS_ENDPOINT_H

#include "mailbox.h"

struct endpoint {
  struct mailbox *box;
  uint64_t id;
  bool reader;
  bool watch; // only its changes count
  dds_entity_t entity;
  const struct ddsi_sertype *type; // kept alive by the entity
  uint32_t depth;                  // samples the cache may hold
  // only mailbox_wait uses these
  uint32_t matched; // last reported
  uint32_t put_off; // samples that went before a lost connection
  // guarded by box->lock
  bool queued;
  uint32_t seen; // SAW_*
  uint32_t refs; // owner and mailbox_wait
  struct endpoint *next, *prev;
};

#endif
