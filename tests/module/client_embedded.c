/* The client with a signer in its own process: run by client_embedded.sh. Prints TAP. */
#include "signer/client/client.h"
#include "signer/wire/mechanism.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 3
#define CALLS 200

static int count;
static int failures;

static void ok(bool good, const char *name) {
  (void)printf("%s %d - %s\n", good ? "ok" : "not ok", ++count, name);
  if (!good) failures++;
}

static enum chio_err digest(struct chio_client *client, struct chio_detail *detail) {
  static const uint8_t of_abc[] = {0xba, 0x78, 0x16, 0xbf};
  struct chio_digest_request request = {.mechanism = CHIO_MECH_SHA256, .data = chio_slice_str("abc")};
  struct chio_digest_reply reply;
  struct chio_buf holder = CHIO_BUF_INIT;
  enum chio_err err = chio_call_digest(client, &request, &reply, &holder, NULL, detail);
  if (err == CHIO_OK && (reply.digest.len != 32 || memcmp(reply.digest.data, of_abc, sizeof of_abc) != 0))
    err = CHIO_E_INTERNAL;
  chio_buf_clear(&holder);
  return err;
}

static bool stream(struct chio_client *client) {
  struct chio_stream_begin_request request = {.operation = CHIO_STREAM_DIGEST, .mechanism = CHIO_MECH_SHA256};
  struct chio_stream *stream;
  struct chio_slice output;
  struct chio_buf holder = CHIO_BUF_INIT;
  bool good = chio_stream_begin(client, &request, &stream, NULL) == CHIO_OK;
  good = good && chio_stream_data(stream, chio_slice_str("a")) == CHIO_OK;
  good = good && chio_stream_data(stream, chio_slice_str("bc")) == CHIO_OK;
  good = good && chio_stream_end(stream, chio_slice(NULL, 0), &output, &holder, NULL) == CHIO_OK;
  good = good && output.len == 32 && output.data[0] == 0xba;
  chio_buf_clear(&holder);
  return good;
}

static void *many(void *arg) {
  long bad = 0;
  for (int i = 0; i < CALLS; i++) bad += digest(arg, NULL) != CHIO_OK;
  return (void *)bad;
}

static bool in_threads(struct chio_client *client) {
  pthread_t threads[THREADS];
  long bad = 0;
  for (int i = 0; i < THREADS; i++)
    if (pthread_create(&threads[i], NULL, many, client) != 0) return false;
  for (int i = 0; i < THREADS; i++) {
    void *result;
    if (pthread_join(threads[i], &result) != 0) return false;
    bad += (long)result;
  }
  return bad == 0;
}

static bool child_gets(struct chio_client *client, enum chio_err expected) {
  (void)fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    struct chio_detail detail = {{0}};
    enum chio_err err = digest(client, &detail);
    chio_client_free(client);
    _exit(err == expected && (err == CHIO_OK || strstr(detail.text, "child of fork") != NULL) ? 0 : 1);
  }
  int status;
  return waitpid(child, &status, 0) == child && status == 0;
}

/* chio-hsm complains on stderr, which is what a reader of this test's output may see. */
static bool other_process_is_refused(void) {
  (void)fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    if (freopen("/dev/null", "w", stdout) == NULL) _exit(99);
    (void)execlp("chio-hsm", "chio-hsm", "status", (char *)NULL);
    _exit(99);
  }
  int status;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

int main(void) {
  struct chio_client *client;
  struct chio_client *second;
  struct chio_detail detail = {{0}};
  char endpoint[256];
  if (chio_client_new(NULL, &client, &detail) != CHIO_OK || chio_client_new(NULL, &second, &detail) != CHIO_OK) {
    (void)printf("Bail out! %s\n", detail.text);
    return 1;
  }
  ok(child_gets(client, CHIO_OK), "a child may open the folder that its parent has not opened");
  ok(digest(client, &detail) == CHIO_OK, "a call by call");
  chio_client_endpoint(client, endpoint, sizeof endpoint);
  ok(strncmp(endpoint, "embedded:/", 10) == 0, "the endpoint is told");
  ok(digest(second, &detail) == CHIO_OK, "a second client in the process shares the folder");
  ok(stream(client), "a stream");
  ok(in_threads(client), "threads have connections of their own");
  ok(child_gets(client, CHIO_E_STATE_IN_USE), "a child is told that the signer is its parent's");
  ok(digest(client, &detail) == CHIO_OK, "and the parent goes on");
  ok(other_process_is_refused(), "another process is told that the folder is in use");
  chio_client_free(second);
  ok(digest(client, &detail) == CHIO_OK, "the first client goes on when the second ends");
  chio_client_free(client);
  ok(!other_process_is_refused(), "the folder is free when the last client has ended");
  (void)printf("1..%d\n", count);
  return failures != 0;
}
