/*
 * use_key ID [COUNT]: signs with the EC private key of that id in slot 0 of $CHIO_SIGNER, COUNT times (1), and with a
 * COUNT prints how long one took. For tests, whose PIN is no secret.
 */
#include "signer/client/client.h"
#include "signer/wire/cryptoki.h"
#include "signer/wire/mechanism.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define COUNT_MAX 1000000u

struct session {
  struct chio_client *client;
  struct chio_login *login;
  struct chio_slice ticket;
  uint8_t ticket_bytes[CHIO_TICKET_MAX];
  struct chio_buf holder;
  struct chio_detail detail;
};

static enum chio_err session_open(struct session *s) {
  enum chio_err err = chio_client_new(&(struct chio_client_options){.program = "use_key"}, &s->client, &s->detail);
  if (err == CHIO_OK)
    err = chio_login_new(s->client, 0, CHIO_USER_USER, chio_slice(NULL, 0), chio_slice_str("123456"), &s->login,
                         &s->detail);
  if (err == CHIO_OK) err = chio_login_ticket(s->login, s->client, s->ticket_bytes, &s->ticket);
  return err;
}

static enum chio_err find(struct session *s, const char *id, struct chio_uid *out_key) {
  struct chio_buf templ = CHIO_BUF_INIT;
  struct chio_object_find_reply reply;
  chio_attrs_begin(&templ);
  chio_attrs_add_ulong(&templ, CKA_CLASS, CKO_PRIVATE_KEY);
  chio_attrs_add(&templ, CKA_ID, chio_slice_str(id));
  const struct chio_object_find_request request = {
      .slot = 0, .ticket = s->ticket, .templ = chio_attrs_of(&templ), .max = 1};
  enum chio_err err = chio_call_object_find(s->client, &request, &reply, &s->holder, NULL, &s->detail);
  if (err == CHIO_OK && reply.objects.len < CHIO_UID_SIZE)
    err = chio_fail(&s->detail, CHIO_E_NOT_FOUND, "no private key with that id");
  if (err == CHIO_OK) memcpy(out_key->b, reply.objects.data, CHIO_UID_SIZE);
  chio_buf_clear(&templ);
  return err;
}

static uint64_t now_ns(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int by_size(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

static enum chio_err sign(struct session *s, const struct chio_uid *key, size_t count, uint64_t *times) {
  static const uint8_t digest[32] = {1};
  const struct chio_sign_request request = {.slot = 0,
                                            .ticket = s->ticket,
                                            .key = *key,
                                            .mechanism = CHIO_MECH_ECDSA,
                                            .data = chio_slice(digest, sizeof digest)};
  for (size_t i = 0; i < count; i++) {
    struct chio_sign_reply reply;
    uint64_t before = now_ns();
    enum chio_err err = chio_call_sign(s->client, &request, &reply, &s->holder, NULL, &s->detail);
    if (err != CHIO_OK) return err;
    times[i] = now_ns() - before;
  }
  return CHIO_OK;
}

int main(int argc, char *argv[]) {
  struct session s = {.holder = CHIO_BUF_INIT};
  struct chio_uid key;
  size_t count = argc == 3 ? strtoul(argv[2], NULL, 10) : 1;
  uint64_t *times = count >= 1 && count <= COUNT_MAX ? calloc(count, sizeof *times) : NULL;
  if (argc < 2 || argc > 3 || times == NULL) {
    (void)fprintf(stderr, "usage: use_key ID [COUNT]\n");
    return 2;
  }
  enum chio_err err = session_open(&s);
  if (err == CHIO_OK) err = find(&s, argv[1], &key);
  if (err == CHIO_OK) err = sign(&s, &key, count, times);
  if (err != CHIO_OK) (void)fprintf(stderr, "use_key: %s: %s\n", chio_err_text(err), s.detail.text);
  if (err == CHIO_OK && argc == 3) {
    qsort(times, count, sizeof *times, by_size);
    (void)printf("p10 %.1f us, p50 %.1f us, p99 %.1f us\n", (double)times[count / 10] / 1000,
                 (double)times[count / 2] / 1000, (double)times[count * 99 / 100] / 1000);
  }
  chio_login_end(s.login, s.client);
  chio_client_free(s.client);
  chio_buf_clear(&s.holder);
  free(times);
  return err == CHIO_OK ? 0 : 1;
}
