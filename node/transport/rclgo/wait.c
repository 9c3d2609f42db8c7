//go:build rclgo

#include <stdlib.h>
#include "rcl.h"

struct waiter {
  rcl_wait_set_t set;
  rcl_guard_condition_t wake;
};

struct outcome waiter_open(struct waiter **out, rcl_context_t *context) {
  struct waiter *w = calloc(1, sizeof *w);
  if (w == NULL) {
    return (struct outcome){RCL_RET_BAD_ALLOC, NULL};
  }
  w->set = rcl_get_zero_initialized_wait_set();
  w->wake = rcl_get_zero_initialized_guard_condition();
  struct outcome o = outcome_of(rcl_guard_condition_init(&w->wake, context, rcl_guard_condition_get_default_options()));
  if (o.code == RCL_RET_OK) {
    o = outcome_of(rcl_wait_set_init(&w->set, 0, 2, 0, 0, 0, 0, context, rcl_get_default_allocator()));
    if (o.code != RCL_RET_OK) {
      free(outcome_of(rcl_guard_condition_fini(&w->wake)).text);
    }
  }
  if (o.code != RCL_RET_OK) {
    free(w);
    return o;
  }
  *out = w;
  return o;
}

struct outcome waiter_close(struct waiter *w) {
  struct outcome set = outcome_of(rcl_wait_set_fini(&w->set));
  struct outcome wake = outcome_of(rcl_guard_condition_fini(&w->wake));
  free(w);
  if (set.code != RCL_RET_OK) {
    free(wake.text);
    return set;
  }
  return wake;
}

struct outcome waiter_wake(struct waiter *w) { return outcome_of(rcl_trigger_guard_condition(&w->wake)); }

// fill puts everything that is waited for into the set, which each wait empties.
static rcl_ret_t fill(struct waiter *w, const struct waitable *waitables, size_t n, const rcl_guard_condition_t *graph) {
  size_t of[EVENT + 1] = {0};
  for (size_t i = 0; i < n; i++) {
    of[waitables[i].kind]++;
  }
  rcl_wait_set_t *s = &w->set;
  rcl_ret_t code;
  if (s->size_of_subscriptions != of[SUBSCRIPTION] || s->size_of_services != of[SERVICE] ||
    s->size_of_clients != of[CLIENT] || s->size_of_events != of[EVENT]) {
    code = rcl_wait_set_resize(s, of[SUBSCRIPTION], 2, 0, of[CLIENT], of[SERVICE], of[EVENT]);
  } else {
    code = rcl_wait_set_clear(s);
  }
  if (code == RCL_RET_OK) {
    code = rcl_wait_set_add_guard_condition(s, &w->wake, NULL);
  }
  if (code == RCL_RET_OK && graph != NULL) {
    code = rcl_wait_set_add_guard_condition(s, graph, NULL);
  }
  for (size_t i = 0; i < n && code == RCL_RET_OK; i++) {
    const void *e = waitables[i].entity;
    switch (waitables[i].kind) {
    case SUBSCRIPTION:
      code = rcl_wait_set_add_subscription(s, e, NULL);
      break;
    case SERVICE:
      code = rcl_wait_set_add_service(s, e, NULL);
      break;
    case CLIENT:
      code = rcl_wait_set_add_client(s, e, NULL);
      break;
    default:
      code = rcl_wait_set_add_event(s, e, NULL);
    }
  }
  return code;
}

struct woken waiter_wait(struct waiter *w, struct waitable *waitables, size_t n, const rcl_guard_condition_t *graph, int64_t timeout) {
  struct woken result = {0};
  for (size_t i = 0; i < n; i++) {
    waitables[i].ready = 0;
  }
  rcl_ret_t code = fill(w, waitables, n, graph);
  if (code == RCL_RET_OK) {
    code = rcl_wait(&w->set, timeout);
  }
  if (code == RCL_RET_TIMEOUT) {
    free(outcome_of(code).text);
    return result;
  }
  result.outcome = outcome_of(code);
  if (code != RCL_RET_OK) {
    return result;
  }
  // Those not ready are NULL, each at the index at which it was added.
  rcl_wait_set_t *s = &w->set;
  result.graph = graph != NULL && s->guard_conditions[1] != NULL;
  size_t at[EVENT + 1] = {0};
  for (size_t i = 0; i < n; i++) {
    size_t k = at[waitables[i].kind]++;
    switch (waitables[i].kind) {
    case SUBSCRIPTION:
      waitables[i].ready = s->subscriptions[k] != NULL;
      break;
    case SERVICE:
      waitables[i].ready = s->services[k] != NULL;
      break;
    case CLIENT:
      waitables[i].ready = s->clients[k] != NULL;
      break;
    default:
      waitables[i].ready = s->events[k] != NULL;
    }
  }
  return result;
}
