//go:build rclgo

#include <stdlib.h>
#include <string.h>
#include <rcutils/error_handling.h>
#include "rcl.h"

struct outcome outcome_of(rcl_ret_t code) {
  struct outcome o = {code, NULL};
  if (code != RCL_RET_OK) {
    if (rcutils_error_is_set()) {
      o.text = strdup(rcutils_get_error_string().str);
    }
    rcutils_reset_error();
  }
  return o;
}

// The two lowest bits of the header's fourth byte count the bytes of padding at the end, in
// units of which RTPS carries payloads.
enum { UNIT = 4, PAD_BYTE = 3, PAD_MASK = UNIT - 1 };

// publisher_publish declares the padding: rmw_cyclonedds pads without saying so, others leave it to the wire.
struct outcome publisher_publish(const rcl_publisher_t *publisher, const uint8_t *payload, size_t size) {
  size_t pad = (UNIT - size % UNIT) % UNIT;
  uint8_t small[4096];
  uint8_t *padded = NULL;
  rcl_serialized_message_t m = {
    .buffer = (uint8_t *)payload, // rcl does not write to it
    .buffer_length = size + pad, .buffer_capacity = size + pad, .allocator = rcutils_get_default_allocator()};
  if (pad != 0 || (payload[PAD_BYTE] & PAD_MASK) != 0) {
    padded = size + pad <= sizeof small ? small : malloc(size + pad);
    if (padded == NULL) {
      return (struct outcome){RCL_RET_BAD_ALLOC, NULL};
    }
    memcpy(padded, payload, size);
    memset(padded + size, 0, pad);
    padded[PAD_BYTE] = (uint8_t)((payload[PAD_BYTE] & ~PAD_MASK) | pad);
    m.buffer = padded;
  }
  struct outcome o = outcome_of(rcl_publish_serialized_message(publisher, &m, NULL));
  if (padded != small) {
    free(padded);
  }
  return o;
}

int64_t publisher_matched(const rcl_publisher_t *publisher) {
  size_t n;
  return outcome_of(rcl_publisher_get_subscription_count(publisher, &n)).code == RCL_RET_OK ? (int64_t)n : -1;
}

int64_t subscription_matched(const rcl_subscription_t *subscription) {
  size_t n;
  return outcome_of(rcl_subscription_get_publisher_count(subscription, &n)).code == RCL_RET_OK ? (int64_t)n : -1;
}

// hash is FNV-1a.
static uint64_t hash(const uint8_t *bytes, size_t n) {
  uint64_t h = 14695981039346656037u;
  for (size_t i = 0; i < n; i++) {
    h = (h ^ bytes[i]) * 1099511628211u;
  }
  return h;
}

enum { FIRST = 4096, KEPT = 4 << 20 };

void buffer_trim(rcl_serialized_message_t *buffer) {
  if (buffer->buffer_capacity > KEPT && rmw_serialized_message_resize(buffer, FIRST) != RMW_RET_OK) {
    rcutils_reset_error(); // it stays as large as it is
  }
}

struct taken subscription_take(const rcl_subscription_t *subscription, rcl_serialized_message_t *into) {
  buffer_trim(into);
  struct taken t = {.matched = subscription_matched(subscription)};
  rmw_message_info_t info = rmw_get_zero_initialized_message_info();
  t.outcome = outcome_of(rcl_take_serialized_message(subscription, into, &info, NULL));
  if (t.outcome.code == RCL_RET_OK) {
    t.source_time = info.source_timestamp;
    t.publisher = hash((const uint8_t *)info.publisher_gid.data, sizeof info.publisher_gid.data);
    uint8_t *p = into->buffer;
    if (into->buffer_length > UNIT && into->buffer_length >= (size_t)(UNIT + (p[PAD_BYTE] & PAD_MASK))) {
      into->buffer_length -= p[PAD_BYTE] & PAD_MASK;
    }
    if (into->buffer_length >= UNIT) {
      p[PAD_BYTE] &= (uint8_t)~PAD_MASK;
    }
  }
  return t;
}

rcl_serialized_message_t *buffer_new(void) {
  rcl_serialized_message_t *b = malloc(sizeof *b);
  if (b != NULL) {
    rcutils_allocator_t allocator = rcutils_get_default_allocator();
    *b = rmw_get_zero_initialized_serialized_message();
    if (rmw_serialized_message_init(b, FIRST, &allocator) != RMW_RET_OK) {
      rcutils_reset_error();
      free(b);
      return NULL;
    }
  }
  return b;
}

void buffer_free(rcl_serialized_message_t *buffer) {
  if (rmw_serialized_message_fini(buffer) != RMW_RET_OK) {
    rcutils_reset_error();
  }
  free(buffer);
}
