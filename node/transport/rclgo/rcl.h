//go:build rclgo

// What this package calls of rcl and rmw beside rclgo: functions that take and publish
// serialized messages without an allocation per message, wait, and count.
#ifndef TRANSPORT_RCLGO_RCL_H
#define TRANSPORT_RCLGO_RCL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <rcl/rcl.h>
#include <rcl/event.h>
#include <rcl/graph.h>
#include <rmw/rmw.h>
#include <rosidl_runtime_c/message_type_support_struct.h>
#include <rosidl_runtime_c/service_type_support_struct.h>

// outcome is an rcl return code with rcl's text for a failure. The error state of rcl is
// per thread, which a goroutine does not keep between two calls, so both come back together.
struct outcome {
  int code;   // RCL_RET_OK or another
  char *text; // NULL, or for the caller to free
};
struct outcome outcome_of(rcl_ret_t code);

// --- type support (type.c)

struct message_type {
  const rosidl_message_type_support_t *support;
  // rosidl_typesupport_introspection_c__MessageMembers: how the C struct is made and
  // unmade; NULL for a message of a topic, which is serialized only.
  const void *members;
};
// message_type_load loads the type package/kind/name from the library of its package, which
// stays loaded. The returned text says what is missing, and is the caller's to free.
char *message_type_load(struct message_type *type, const char *package, const char *kind, const char *name);
// service_type_load loads a service with the layouts of its request and response.
char *service_type_load(const rosidl_service_type_support_t **service, struct message_type *request, struct message_type *response,
  const char *package, const char *kind, const char *name);

// --- topics (topic.c)

struct outcome publisher_publish(const rcl_publisher_t *publisher, const uint8_t *payload, size_t size);
int64_t publisher_matched(const rcl_publisher_t *publisher);       // -1 where rcl does not know
int64_t subscription_matched(const rcl_subscription_t *subscription);

struct taken {
  struct outcome outcome; // RCL_RET_SUBSCRIPTION_TAKE_FAILED: there was none
  int64_t source_time;    // ns since the epoch
  int64_t matched;        // publishers connected
  uint64_t publisher;     // a hash of its GID
};
struct taken subscription_take(const rcl_subscription_t *subscription, rcl_serialized_message_t *into);

rcl_serialized_message_t *buffer_new(void); // NULL: out of memory
void buffer_free(rcl_serialized_message_t *buffer);
// buffer_trim lets go of what a large message has left behind.
void buffer_trim(rcl_serialized_message_t *buffer);

// --- events of quality of service (event.c)

enum event_kind { DEADLINE_MISSED, LIVELINESS_LOST, LIVELINESS_CHANGED, INCOMPATIBLE, MESSAGE_LOST, MATCHED };
enum policy { POLICY_NONE, POLICY_RELIABILITY, POLICY_DURABILITY, POLICY_DEADLINE, POLICY_LIVELINESS, POLICY_OTHER };

struct event_status {
  struct outcome outcome;
  int64_t count;  // total; of LIVELINESS_CHANGED those not alive, of MATCHED those connected
  uint32_t policy; // enum policy, of INCOMPATIBLE
};
// event_open returns NULL in *out where the RMW has no such event.
struct outcome event_open(rcl_event_t **out, const rcl_publisher_t *publisher, const rcl_subscription_t *subscription, enum event_kind kind);
struct event_status event_take(const rcl_event_t *event, enum event_kind kind, bool of_publisher);
struct outcome event_close(rcl_event_t *event);

// --- services (service.c)

struct request {
  struct outcome outcome; // RCL_RET_SERVICE_TAKE_FAILED or RCL_RET_CLIENT_TAKE_FAILED: there was none
  rmw_request_id_t id;
};
struct request service_take(const rcl_service_t *service, const struct message_type *type, rcl_serialized_message_t *into);
struct outcome service_reply(const rcl_service_t *service, const struct message_type *type, rmw_request_id_t id, const uint8_t *payload, size_t size);

struct sent {
  struct outcome outcome;
  int64_t sequence;
};
struct sent client_send(const rcl_client_t *client, const struct message_type *type, const uint8_t *payload, size_t size);
struct request client_take(const rcl_client_t *client, const struct message_type *type, rcl_serialized_message_t *into);
bool client_has_server(const rcl_node_t *node, const rcl_client_t *client);

// UNREADABLE is the code of a payload that is not of its type; no rcl function returns it.
enum { UNREADABLE = -1 };

// --- waiting (wait.c)

enum waitable_kind { SUBSCRIPTION, SERVICE, CLIENT, EVENT };
struct waitable {
  uint32_t kind;  // enum waitable_kind
  uint32_t ready; // set by waiter_wait
  const void *entity;
};

struct waiter;
struct outcome waiter_open(struct waiter **out, rcl_context_t *context);
struct outcome waiter_close(struct waiter *waiter);
struct outcome waiter_wake(struct waiter *waiter);

struct woken {
  struct outcome outcome;
  bool graph; // the graph condition was among the causes
};
// waiter_wait blocks until one of the waitables is ready, the waiter is woken, the graph
// condition (may be NULL) triggers, or timeout ns have passed (below 0: never). One thread at a
// time may call it.
struct woken waiter_wait(struct waiter *waiter, struct waitable *waitables, size_t n, const rcl_guard_condition_t *graph, int64_t timeout);

// has_discovery_range says whether this rcl knows ROS_AUTOMATIC_DISCOVERY_RANGE (Iron and later).
bool has_discovery_range(void);

#endif
