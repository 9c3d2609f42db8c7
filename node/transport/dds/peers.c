//go:build !rclgo

#include "mailbox.h"

#include <stdlib.h>
#include <string.h>
#include "endpoint.h"

static dds_return_t matched(const struct endpoint *e, dds_instance_handle_t *peers, size_t n) {
  return e->reader ? dds_get_matched_publications(e->entity, peers, n) : dds_get_matched_subscriptions(e->entity, peers, n);
}

uint32_t endpoint_peers(const struct endpoint *e, uint64_t *peers, uint32_t n) {
  dds_return_t rc = matched(e, n > 0 ? peers : NULL, n);
  return rc < 0 ? 0 : (uint32_t)rc;
}

static dds_builtintopic_endpoint_t *peer_data(const struct endpoint *e, uint64_t peer) {
  return e->reader ? dds_get_matched_publication_data(e->entity, peer) : dds_get_matched_subscription_data(e->entity, peer);
}

bool endpoint_peer(const struct endpoint *e, uint64_t peer, struct peer *out) {
  memset(out, 0, sizeof(*out));
  dds_builtintopic_endpoint_t *d = peer_data(e, peer);
  if (d == NULL)
    return false;
  memcpy(out->participant, d->participant_key.v, sizeof(out->participant));
  void *data = NULL;
  size_t size = 0;
  if (dds_qget_userdata(d->qos, &data, &size) && size > 0 && size <= sizeof(out->user_data)) {
    memcpy(out->user_data, data, size);
    out->user_data_size = (uint32_t)size;
  }
  dds_free(data);
  dds_builtintopic_free_endpoint(d);
  return true;
}

uint64_t endpoint_handle(const struct endpoint *e) {
  dds_instance_handle_t handle = 0;
  return dds_get_instance_handle(e->entity, &handle) == DDS_RETCODE_OK ? handle : 0;
}
