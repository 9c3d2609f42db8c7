//go:build !rclgo

// Cyclone writes its warnings to standard error from its own threads, with a lock held. A
// terminal that stands still would stop them, and with them the arm's torques: here what
// cannot be written at once is dropped.
#include <dds/dds.h>
#include <dds/ddsrt/log.h>
#include <poll.h>
#include <stdint.h>
#include <unistd.h>
#include "mailbox.h"

static void write_or_drop(void *fd, const dds_log_data_t *data) {
  struct pollfd terminal = {.fd = (int)(intptr_t)fd, .events = POLLOUT};
  // A pipe that is ready takes at least 4096 bytes (POSIX PIPE_BUF) without waiting.
  const char *message = data->message - data->hdrsize;
  size_t size = data->hdrsize + data->size + 1; // the line ends after its size
  if (size > 4096)
    size = 4096;
  if (poll(&terminal, 1, 0) == 1 && (terminal.revents & POLLOUT) != 0) {
    ssize_t written = write(terminal.fd, message, size);
    (void)written;
  }
}

void log_without_waiting(int fd) { dds_set_log_sink(write_or_drop, (void *)(intptr_t)fd); }
