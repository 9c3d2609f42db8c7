//go:build !rclgo

// A mailbox collects what happens at the endpoints of one node. Cyclone's
// listeners, which run on its receive threads and on publishing threads, only
// mark the endpoint and wake the reader of the mailbox; that one, a goroutine
// blocked in mailbox_wait, takes the samples. So nothing polls, and no Go code
// runs on a Cyclone thread.
#ifndef TRANSPORT_DDS_MAILBOX_H
#define TRANSPORT_DDS_MAILBOX_H

#include <stdbool.h>
#include <stdint.h>
#include "raw.h"

enum event_kind { EVENT_DATA, EVENT_STATUS, EVENT_CHANGE };

struct event {
  uint64_t endpoint;  // the id given to endpoint_open
  uint32_t kind;      // enum event_kind
  // EVENT_DATA
  uint32_t fault;     // enum raw_fault
  uint32_t size;      // bytes at payload
  const unsigned char *payload; // valid until the next mailbox_wait; shared, read only
  int64_t source_time;          // ns since the epoch
  uint64_t publisher; // Cyclone's handle of the writer
  // EVENT_STATUS
  uint32_t matched;
  uint32_t incompatible;
  uint32_t policy;    // DDS policy id of the latest incompatible endpoint
  uint32_t deadlines_missed;
  uint32_t liveliness_lost;
  uint32_t not_alive;
  uint32_t lost;
};

struct mailbox;
struct endpoint;

struct mailbox *mailbox_new(void);
// mailbox_wait gives back the event of its previous call, blocks until there is
// a new one, and returns it, or NULL after mailbox_shut. Samples are taken one at
// a time, so that what a slow handler has not come to yet stays in the readers'
// caches, where newer samples replace it. One thread at a time may call it.
const struct event *mailbox_wait(struct mailbox *m);
void mailbox_shut(struct mailbox *m);
// mailbox_free needs all endpoints closed and no thread in mailbox_wait.
void mailbox_free(struct mailbox *m);

struct endpoint_config {
  uint64_t id;
  bool reader;
  const char *topic;     // DDS name
  const char *type;      // DDS name
  const char *user_data; // announced with the endpoint
  uint32_t max_payload;
  bool reliable, transient_local, manual_liveliness;
  bool ignore_own; // leave out what the participant itself has
  int32_t depth;
  int64_t deadline, lifespan, liveliness, max_blocking; // ns; INT64_MAX is none
};

// endpoint_open makes a reader or writer and, on success, fills *out and the
// GUID. It returns a DDS return code.
dds_return_t endpoint_open(struct mailbox *m, dds_entity_t participant, const struct endpoint_config *cfg, struct endpoint **out, unsigned char guid[16]);
// endpoint_close deletes the entity; no event of it is collected afterwards.
void endpoint_close(struct endpoint *e);
// endpoint_watch takes over a reader of which nothing but its changes is wanted: each is an
// EVENT_CHANGE, several at once may be one.
dds_return_t endpoint_watch(struct mailbox *m, dds_entity_t reader, uint64_t id, struct endpoint **out);
dds_return_t endpoint_publish(struct endpoint *e, const unsigned char *payload, uint32_t size);
// endpoint_is_local says whether the domain of the endpoint uses loopback
// interfaces only.
bool endpoint_is_local(const struct endpoint *e);
bool type_is_local(const struct ddsi_sertype *type); // the same for a registered type

// A peer is an endpoint of another node, or of this one, that an endpoint is connected to.
struct peer {
  unsigned char participant[16]; // GUID
  uint32_t user_data_size;       // 0 also if there is more than fits
  unsigned char user_data[512];
};

// endpoint_peers writes the handles of the first n peers, and returns how many there are.
uint32_t endpoint_peers(const struct endpoint *e, uint64_t *peers, uint32_t n);
// endpoint_peer describes a peer; false if it is one no longer.
bool endpoint_peer(const struct endpoint *e, uint64_t peer, struct peer *out);
// endpoint_handle is Cyclone's handle of the endpoint, by which rmw_cyclonedds tells clients
// apart.
uint64_t endpoint_handle(const struct endpoint *e);

// A property of a participant, which the security plugins read.
struct property {
  const char *name, *value;
};

// participant_open makes a participant with the user data that ROS 2 expects.
dds_entity_t participant_open(uint32_t domain, const char *user_data, const struct property *properties, size_t n, unsigned char guid[16]);
// security_is_built_in says whether Cyclone heeds the properties of its security plugins.
bool security_is_built_in(void);

// log_without_waiting lets Cyclone log to a descriptor, never wait for it, and not fill it (log.c).
void log_without_waiting(int fd);

#endif
