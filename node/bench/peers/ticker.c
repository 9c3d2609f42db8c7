// The bare loop that ours is compared with: ticks of an absolute timer and does nothing else.
//
//   ticker PRIORITY [PROCESSOR]
//
// With PROCESSOR, an index into those that it may use, it stays on that one. Ticks are due at multiples
// of the period on CLOCK_MONOTONIC, with PROCESSOR three quarters of a period later: then they do not
// fall into what others compute at theirs.
//
// Each line "PERIOD WARM COUNT\n" on standard input asks for WARM untimed and COUNT timed ticks,
// PERIOD ns apart, and is answered by a line "COUNT\n" and COUNT times in ns as native uint32: by
// how much the thread ran later than it was due. What the system refuses is told on standard
// error. It ends with its input.
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

static const int64_t second = 1000000000;

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * second + t.tv_nsec;
}

static void sleep_until(int64_t due) {
  struct timespec t = {.tv_sec = due / second, .tv_nsec = due % second};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
    ;
}

// run ticks and notes each lateness. A tick that is missed is left out, as ours leaves it out.
static void run(int64_t period, int64_t phase, unsigned long warm, unsigned long count, uint32_t *late) {
  int64_t due = now() / period * period + phase;
  for (unsigned long i = 0; i < warm + count; i++) {
    due += period;
    sleep_until(due);
    int64_t by = now() - due;
    if (i >= warm)
      late[i - warm] = by < UINT32_MAX ? (uint32_t)by : UINT32_MAX;
    due += by / period * period;
  }
}

// stay has the process run on one processor only, the index-th of those that it may use. It returns -1
// and sets errno where it cannot.
static int stay(int index) {
  cpu_set_t all, one;
  if (sched_getaffinity(0, sizeof all, &all) != 0)
    return -1;
  for (int i = 0; i < CPU_SETSIZE; i++)
    if (CPU_ISSET(i, &all) && index-- == 0) {
      CPU_ZERO(&one);
      CPU_SET(i, &one);
      return sched_setaffinity(0, sizeof one, &one);
    }
  errno = EINVAL;
  return -1;
}

int main(int argc, char **argv) {
  if (argc != 2 && argc != 3) {
    fprintf(stderr, "usage: ticker PRIORITY [PROCESSOR]\n");
    return 2;
  }
  if (argc == 3 && stay(atoi(argv[2])) != 0)
    fprintf(stderr, "processor %s: %s\n", argv[2], strerror(errno));
  struct sched_param param = {.sched_priority = atoi(argv[1])};
  if (param.sched_priority > 0 && sched_setscheduler(0, SCHED_FIFO, &param) != 0)
    fprintf(stderr, "SCHED_FIFO: %s\n", strerror(errno));
  if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0)
    fprintf(stderr, "mlockall: %s\n", strerror(errno));
  if (prctl(PR_SET_TIMERSLACK, 1) != 0)
    fprintf(stderr, "timer slack: %s\n", strerror(errno));
  char line[64];
  long long period = 0;
  unsigned long warm, count;
  while (fgets(line, sizeof line, stdin) != NULL) {
    if (sscanf(line, "%lld %lu %lu", &period, &warm, &count) != 3 || period <= 0 || count == 0 || count > 1ul << 28) {
      fprintf(stderr, "ticker: %s: expected a period and two counts\n", line);
      return 1;
    }
    uint32_t *late = malloc(count * sizeof *late);
    if (late == NULL) {
      fprintf(stderr, "ticker: no memory for %lu times\n", count);
      return 1;
    }
    memset(late, 0, count * sizeof *late); // no page is new while it measures
    run(period, argc == 3 ? period / 4 * 3 : 0, warm, count, late);
    printf("%lu\n", count);
    fwrite(late, sizeof *late, count, stdout);
    fflush(stdout);
    free(late);
  }
  return 0;
}
