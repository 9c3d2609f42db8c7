//go:build !rclgo

// Cyclone writes its warnings to standard error from its own threads, with a lock held. A
// terminal that stands still would stop them, and with them the arm's torques: here what
// cannot be written at once is dropped. And whoever sends packets that are none has a line written
// for each: here a log that grows without bound is not written.
#include <dds/dds.h>
#include <dds/ddsrt/log.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include "mailbox.h"

// Lines that may come at once, and per second after that.
enum { BURST = 100, PER_SECOND = 1 };

static struct {
  pthread_mutex_t lock;
  int64_t left;      // lines that may be written now
  int64_t since;     // s, monotonic, when left was last added to
  uint64_t left_out; // lines since the last one that was written
} budget = {.lock = PTHREAD_MUTEX_INITIALIZER, .left = BURST};

// spend says whether one more line may be written, and how many were not before it.
static bool spend(uint64_t *left_out) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  pthread_mutex_lock(&budget.lock);
  int64_t left = budget.left + (now.tv_sec - budget.since) * PER_SECOND;
  budget.left = left < BURST ? left : BURST;
  budget.since = now.tv_sec;
  bool may = budget.left > 0;
  if (may) {
    budget.left--;
    *left_out = budget.left_out;
    budget.left_out = 0;
  } else {
    budget.left_out++;
  }
  pthread_mutex_unlock(&budget.lock);
  return may;
}

// offer writes at most 4096 bytes: a pipe that is ready takes as many (POSIX PIPE_BUF) without
// waiting.
static void offer(int fd, const char *text, size_t size) {
  struct pollfd terminal = {.fd = fd, .events = POLLOUT};
  if (poll(&terminal, 1, 0) == 1 && (terminal.revents & POLLOUT) != 0) {
    ssize_t written = write(fd, text, size < 4096 ? size : 4096);
    (void)written;
  }
}

static void write_or_drop(void *arg, const dds_log_data_t *data) {
  int fd = (int)(intptr_t)arg;
  uint64_t left_out = 0;
  if (!spend(&left_out))
    return;
  if (left_out > 0) {
    char note[100];
    int size = snprintf(note, sizeof(note), "(%llu messages of Cyclone DDS are left out here, as there were too many)\n", (unsigned long long)left_out);
    offer(fd, note, (size_t)size);
  }
  offer(fd, data->message - data->hdrsize, data->hdrsize + data->size + 1); // the line ends after its size
}

void log_without_waiting(int fd) { dds_set_log_sink(write_or_drop, (void *)(intptr_t)fd); }
