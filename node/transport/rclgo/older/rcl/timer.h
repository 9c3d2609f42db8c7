// rcl/timer.h with the function that rclgo calls and Kilted took away. scripts/ros_flags.sh puts
// this folder before rcl's own where that function is not declared.
#ifndef TRANSPORT_RCLGO_OLDER_RCL_TIMER_H
#define TRANSPORT_RCLGO_OLDER_RCL_TIMER_H

#include_next <rcl/timer.h>

static inline rcl_ret_t rcl_timer_init(rcl_timer_t *timer, rcl_clock_t *clock, rcl_context_t *context, int64_t period,
  const rcl_timer_callback_t callback, rcl_allocator_t allocator) {
  return rcl_timer_init2(timer, clock, context, period, callback, allocator, true);
}

#endif
