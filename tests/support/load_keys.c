/*
 * load_keys SECONDS SLOT THREADS [SLOT THREADS]...: signs with the first EC private key of each slot of $CHIO_SIGNER, in
 * so many threads at once, for so long and once at least, and prints a line for each slot: "slot 224: 1234 signed, 5
 * failed, longest gap 120 ms, last 3 ms ago, last error TIMEOUT; median 1.2 ms, p99 3.4 ms, 617 a second". For tests,
 * whose PIN is no secret (slots above 223 get none).
 */
#include "signer/client/client.h"
#include "signer/wire/cryptoki.h"
#include "signer/wire/mechanism.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define FIRST_WITHOUT_PIN 224u
#define LOADS_MAX 8
#define THREADS_MAX 256
#define TIMES_MAX 1000000u /* signatures of a slot whose time is kept */

struct load {
  struct chio_client *client;
  struct chio_login *login;
  uint32_t slot;
  uint64_t until_ms;
  struct chio_uid key;
  uint8_t ticket_bytes[CHIO_TICKET_MAX];
  struct chio_slice ticket;
  pthread_mutex_t lock; /* guards what follows */
  unsigned long signed_, failed;
  uint64_t last_ms, gap_ms;
  enum chio_err last_error;
  uint32_t *times_us; /* TIMES_MAX of them */
};

static uint64_t now_ms(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

static enum chio_err find(struct load *l, struct chio_detail *detail) {
  struct chio_buf templ = CHIO_BUF_INIT;
  struct chio_buf holder = CHIO_BUF_INIT;
  struct chio_object_find_reply reply;
  chio_attrs_begin(&templ);
  chio_attrs_add_ulong(&templ, CKA_CLASS, CKO_PRIVATE_KEY);
  chio_attrs_add_ulong(&templ, CKA_KEY_TYPE, CKK_EC);
  const struct chio_object_find_request request = {
      .slot = l->slot, .ticket = l->ticket, .templ = chio_attrs_of(&templ), .max = 1};
  enum chio_err err = chio_call_object_find(l->client, &request, &reply, &holder, NULL, detail);
  if (err == CHIO_OK && reply.objects.len < CHIO_UID_SIZE)
    err = chio_fail(detail, CHIO_E_NOT_FOUND, "no EC key in slot %u", l->slot);
  if (err == CHIO_OK) memcpy(l->key.b, reply.objects.data, CHIO_UID_SIZE);
  chio_buf_clear(&templ);
  chio_buf_clear(&holder);
  return err;
}

static enum chio_err load_open(struct load *l, struct chio_client *client, uint32_t slot, uint64_t until_ms,
                               struct chio_detail *detail) {
  *l = (struct load){.client = client, .slot = slot, .until_ms = until_ms, .last_ms = now_ms()};
  enum chio_err err = CHIO_OK;
  (void)pthread_mutex_init(&l->lock, NULL);
  l->times_us = calloc(TIMES_MAX, sizeof *l->times_us);
  if (l->times_us == NULL) return CHIO_E_NO_MEMORY;
  if (slot < FIRST_WITHOUT_PIN)
    err = chio_login_new(client, slot, CHIO_USER_USER, chio_slice(NULL, 0), chio_slice_str("123456"), &l->login, detail);
  if (err == CHIO_OK && l->login != NULL) err = chio_login_ticket(l->login, client, l->ticket_bytes, &l->ticket);
  return err != CHIO_OK ? err : find(l, detail);
}

static uint64_t now_us(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static void note(struct load *l, enum chio_err err, uint64_t took_us) {
  (void)pthread_mutex_lock(&l->lock);
  uint64_t now = now_ms();
  if (err == CHIO_OK) {
    if (l->signed_ < TIMES_MAX) l->times_us[l->signed_] = (uint32_t)took_us;
    if (now - l->last_ms > l->gap_ms) l->gap_ms = now - l->last_ms;
    l->last_ms = now;
    l->signed_++;
  } else {
    l->failed++;
    l->last_error = err;
  }
  (void)pthread_mutex_unlock(&l->lock);
}

static void *run(void *arg) {
  static const uint8_t digest[32] = {1};
  static const struct timespec pause = {0, 10000000};
  struct load *l = arg;
  struct chio_buf holder = CHIO_BUF_INIT;
  do {
    struct chio_sign_reply reply;
    const struct chio_sign_request request = {.slot = l->slot,
                                              .ticket = l->ticket,
                                              .key = l->key,
                                              .mechanism = CHIO_MECH_ECDSA,
                                              .data = chio_slice(digest, sizeof digest)};
    uint64_t before = now_us();
    enum chio_err err = chio_call_sign(l->client, &request, &reply, &holder, NULL, NULL);
    if (err == CHIO_OK && reply.signature.len != 64) err = CHIO_E_SIGNATURE_LEN;
    note(l, err, now_us() - before);
    if (err != CHIO_OK) (void)nanosleep(&pause, NULL);
  } while (now_ms() < l->until_ms);
  chio_buf_clear(&holder);
  return NULL;
}

static int by_size(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

static void print_load(struct load *l, uint64_t end, double seconds) {
  size_t kept = l->signed_ < TIMES_MAX ? l->signed_ : TIMES_MAX;
  qsort(l->times_us, kept, sizeof *l->times_us, by_size);
  (void)printf("slot %u: %lu signed, %lu failed, longest gap %llu ms, last %llu ms ago, last error %s; ", l->slot,
               l->signed_, l->failed, (unsigned long long)l->gap_ms, (unsigned long long)(end - l->last_ms),
               chio_err_name(l->last_error));
  (void)printf("median %.3f ms, p99 %.3f ms, %.0f a second\n", kept > 0 ? l->times_us[kept / 2] / 1e3 : 0,
               kept > 0 ? l->times_us[kept * 99 / 100] / 1e3 : 0, (double)l->signed_ / seconds);
}

static int usage(void) {
  (void)fprintf(stderr, "usage: load_keys SECONDS SLOT THREADS [SLOT THREADS]...\n");
  return 2;
}

int main(int argc, char *argv[]) {
  static struct load loads[LOADS_MAX];
  static pthread_t threads[THREADS_MAX];
  struct chio_client *client = NULL;
  struct chio_detail detail = {""};
  size_t count = 0, started = 0;
  if (argc < 4 || argc % 2 != 0 || argc > 2 + 2 * LOADS_MAX) return usage();
  enum chio_err err = chio_client_new(&(struct chio_client_options){.program = "load_keys"}, &client, &detail);
  uint64_t until = now_ms() + 1000u * strtoul(argv[1], NULL, 10);
  for (int i = 2; i < argc && err == CHIO_OK; i += 2, count++)
    err = load_open(&loads[count], client, (uint32_t)strtoul(argv[i], NULL, 10), until, &detail);
  if (err != CHIO_OK) {
    (void)fprintf(stderr, "load_keys: %s: %s\n", chio_err_text(err), detail.text);
    return 1;
  }
  for (size_t i = 0; i < count; i++)
    for (unsigned long n = strtoul(argv[3 + 2 * i], NULL, 10); n > 0 && started < THREADS_MAX; n--)
      if (pthread_create(&threads[started], NULL, run, &loads[i]) == 0) started++;
  for (size_t i = 0; i < started; i++) (void)pthread_join(threads[i], NULL);
  uint64_t end = now_ms();
  for (size_t i = 0; i < count; i++) {
    print_load(&loads[i], end, (double)strtoul(argv[1], NULL, 10));
    free(loads[i].times_us);
  }
  return 0;
}
