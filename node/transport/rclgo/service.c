//go:build rclgo

#include <stdlib.h>
#include <string.h>
#include <rcutils/error_handling.h>
#include <rosidl_typesupport_introspection_c/message_introspection.h>
#include "rcl.h"

typedef rosidl_typesupport_introspection_c__MessageMembers members;

// make is a message of the type, with its default values.
static void *make(const struct message_type *type) {
  const members *m = type->members;
  void *message = calloc(1, m->size_of_);
  if (message != NULL) {
    m->init_function(message, ROSIDL_RUNTIME_C_MSG_INIT_ALL);
  }
  return message;
}

static void unmake(const struct message_type *type, void *message) {
  ((const members *)type->members)->fini_function(message);
  free(message);
}

// decode makes a message from its serialized form. NULL: *o says why not.
static void *decode(struct outcome *o, const struct message_type *type, const uint8_t *payload, size_t size) {
  void *message = make(type);
  if (message == NULL) {
    *o = (struct outcome){RCL_RET_BAD_ALLOC, NULL};
    return NULL;
  }
  rcl_serialized_message_t m = {
    .buffer = (uint8_t *)payload, // rmw does not write to it
    .buffer_length = size, .buffer_capacity = size, .allocator = rcutils_get_default_allocator()};
  rmw_ret_t code = rmw_deserialize(&m, type->support, message);
  if (code != RMW_RET_OK) {
    *o = outcome_of(code);
    o->code = UNREADABLE;
    unmake(type, message);
    return NULL;
  }
  return message;
}

// encode serializes a message. An RMW may leave out what it pads with: it is zero then.
static struct outcome encode(const struct message_type *type, const void *message, rcl_serialized_message_t *into) {
  buffer_trim(into);
  for (;;) {
    size_t capacity = into->buffer_capacity;
    memset(into->buffer, 0, capacity);
    struct outcome o = outcome_of(rmw_serialize(message, type->support, into));
    if (o.code != RCL_RET_OK || into->buffer_capacity <= capacity) {
      return o;
    }
  }
}

struct request service_take(const rcl_service_t *service, const struct message_type *type, rcl_serialized_message_t *into) {
  struct request r = {.outcome = {RCL_RET_BAD_ALLOC, NULL}};
  void *message = make(type);
  if (message == NULL) {
    return r;
  }
  rmw_service_info_t info = {0};
  r.outcome = outcome_of(rcl_take_request_with_info(service, &info, message));
  if (r.outcome.code == RCL_RET_OK) {
    r.id = info.request_id;
    r.outcome = encode(type, message, into);
  }
  unmake(type, message);
  return r;
}

struct outcome service_reply(const rcl_service_t *service, const struct message_type *type, rmw_request_id_t id, const uint8_t *payload, size_t size) {
  struct outcome o;
  void *message = decode(&o, type, payload, size);
  if (message != NULL) {
    o = outcome_of(rcl_send_response(service, &id, message));
    unmake(type, message);
  }
  return o;
}

struct sent client_send(const rcl_client_t *client, const struct message_type *type, const uint8_t *payload, size_t size) {
  struct sent s = {0};
  void *message = decode(&s.outcome, type, payload, size);
  if (message != NULL) {
    s.outcome = outcome_of(rcl_send_request(client, message, &s.sequence));
    unmake(type, message);
  }
  return s;
}

struct request client_take(const rcl_client_t *client, const struct message_type *type, rcl_serialized_message_t *into) {
  struct request r = {.outcome = {RCL_RET_BAD_ALLOC, NULL}};
  void *message = make(type);
  if (message == NULL) {
    return r;
  }
  rmw_service_info_t info = {0};
  r.outcome = outcome_of(rcl_take_response_with_info(client, &info, message));
  if (r.outcome.code == RCL_RET_OK) {
    r.id = info.request_id;
    r.outcome = encode(type, message, into);
  }
  unmake(type, message);
  return r;
}

bool client_has_server(const rcl_node_t *node, const rcl_client_t *client) {
  bool available = false;
  return outcome_of(rcl_service_server_is_available(node, client, &available)).code == RCL_RET_OK && available;
}
