/* Preloaded: the program's time() is CHIO_TEST_LATER seconds ahead. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <time.h>

time_t time(time_t *out) {
  const char *ahead = secure_getenv("CHIO_TEST_LATER");
  struct timespec now;
  (void)clock_gettime(CLOCK_REALTIME, &now);
  time_t t = now.tv_sec + (ahead != NULL ? (time_t)strtol(ahead, NULL, 10) : 0);
  if (out != NULL) *out = t;
  return t;
}
