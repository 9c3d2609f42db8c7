//go:build rclgo

#include <stdlib.h>
#include <rmw/rmw.h>
#include "rcl.h"

#if __has_include(<rmw/events_statuses/matched.h>) // Iron and later
#define HAS_MATCHED 1
#else
#define HAS_MATCHED 0
#endif

bool has_discovery_range(void) {
#if __has_include(<rmw/discovery_options.h>)
  return true;
#else
  return false;
#endif
}

static rcl_ret_t publisher_event(rcl_event_t *event, const rcl_publisher_t *publisher, enum event_kind kind) {
  switch (kind) {
  case DEADLINE_MISSED:
    return rcl_publisher_event_init(event, publisher, RCL_PUBLISHER_OFFERED_DEADLINE_MISSED);
  case LIVELINESS_LOST:
    return rcl_publisher_event_init(event, publisher, RCL_PUBLISHER_LIVELINESS_LOST);
  case INCOMPATIBLE:
    return rcl_publisher_event_init(event, publisher, RCL_PUBLISHER_OFFERED_INCOMPATIBLE_QOS);
#if HAS_MATCHED
  case MATCHED:
    return rcl_publisher_event_init(event, publisher, RCL_PUBLISHER_MATCHED);
#endif
  default:
    return RCL_RET_UNSUPPORTED;
  }
}

static rcl_ret_t subscription_event(rcl_event_t *event, const rcl_subscription_t *subscription, enum event_kind kind) {
  switch (kind) {
  case DEADLINE_MISSED:
    return rcl_subscription_event_init(event, subscription, RCL_SUBSCRIPTION_REQUESTED_DEADLINE_MISSED);
  case LIVELINESS_CHANGED:
    return rcl_subscription_event_init(event, subscription, RCL_SUBSCRIPTION_LIVELINESS_CHANGED);
  case INCOMPATIBLE:
    return rcl_subscription_event_init(event, subscription, RCL_SUBSCRIPTION_REQUESTED_INCOMPATIBLE_QOS);
  case MESSAGE_LOST:
    return rcl_subscription_event_init(event, subscription, RCL_SUBSCRIPTION_MESSAGE_LOST);
#if HAS_MATCHED
  case MATCHED:
    return rcl_subscription_event_init(event, subscription, RCL_SUBSCRIPTION_MATCHED);
#endif
  default:
    return RCL_RET_UNSUPPORTED;
  }
}

struct outcome event_open(rcl_event_t **out, const rcl_publisher_t *publisher, const rcl_subscription_t *subscription, enum event_kind kind) {
  *out = NULL;
  rcl_event_t *event = malloc(sizeof *event);
  if (event == NULL) {
    return (struct outcome){RCL_RET_BAD_ALLOC, NULL};
  }
  *event = rcl_get_zero_initialized_event();
  struct outcome o = outcome_of(
    publisher != NULL ? publisher_event(event, publisher, kind) : subscription_event(event, subscription, kind));
  if (o.code == RCL_RET_OK) {
    *out = event;
    return o;
  }
  free(event);
  if (o.code == RCL_RET_UNSUPPORTED) {
    free(o.text);
    o = (struct outcome){RCL_RET_OK, NULL};
  }
  return o;
}

static enum policy policy_of(rmw_qos_policy_kind_t kind) {
  switch (kind) {
  case RMW_QOS_POLICY_INVALID:
    return POLICY_NONE;
  case RMW_QOS_POLICY_RELIABILITY:
    return POLICY_RELIABILITY;
  case RMW_QOS_POLICY_DURABILITY:
    return POLICY_DURABILITY;
  case RMW_QOS_POLICY_DEADLINE:
    return POLICY_DEADLINE;
  case RMW_QOS_POLICY_LIVELINESS:
  case RMW_QOS_POLICY_LIVELINESS_LEASE_DURATION:
    return POLICY_LIVELINESS;
  default:
    return POLICY_OTHER;
  }
}

struct event_status event_take(const rcl_event_t *event, enum event_kind kind, bool of_publisher) {
  union {
    rmw_offered_deadline_missed_status_t offered_deadline;
    rmw_requested_deadline_missed_status_t requested_deadline;
    rmw_liveliness_lost_status_t liveliness_lost;
    rmw_liveliness_changed_status_t liveliness_changed;
    rmw_qos_incompatible_event_status_t incompatible;
    rmw_message_lost_status_t lost;
#if HAS_MATCHED
    rmw_matched_status_t matched;
#endif
  } s = {0};
  struct event_status e = {.outcome = outcome_of(rcl_take_event(event, &s))};
  switch (kind) {
  case DEADLINE_MISSED:
    e.count = of_publisher ? s.offered_deadline.total_count : s.requested_deadline.total_count;
    break;
  case LIVELINESS_LOST:
    e.count = s.liveliness_lost.total_count;
    break;
  case LIVELINESS_CHANGED:
    e.count = s.liveliness_changed.not_alive_count;
    break;
  case INCOMPATIBLE:
    e.count = s.incompatible.total_count;
    e.policy = policy_of(s.incompatible.last_policy_kind);
    break;
  case MESSAGE_LOST:
    e.count = (int64_t)s.lost.total_count;
    break;
  case MATCHED:
#if HAS_MATCHED
    e.count = (int64_t)s.matched.current_count;
#endif
    break;
  }
  return e;
}

struct outcome event_close(rcl_event_t *event) {
  struct outcome o = outcome_of(rcl_event_fini(event));
  free(event);
  return o;
}
