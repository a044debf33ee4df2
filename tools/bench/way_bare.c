/*
 * The yardsticks: the same operation as bare calls of libcrypto or libsodium with everything prepared; nothing at all;
 * and a byte sent through a socket to another process and back.
 */
#include "tools/bench/bench.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct state {
  const struct bench_job *job;
  EVP_PKEY *pkey;
  EVP_PKEY_CTX *context;
  unsigned char secret[crypto_sign_SECRETKEYBYTES];
  unsigned char data[64];
  unsigned char *random;
};

static bool failed(const char *what) {
  (void)fprintf(stderr, "chio-bench: bare: %s failed\n", what);
  return false;
}

static EVP_PKEY *make_pkey(const struct bench_algorithm *algorithm) {
  if (algorithm->group != NULL) return EVP_PKEY_Q_keygen(NULL, NULL, "EC", algorithm->group);
  return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)algorithm->bits);
}

static bool needs_hash(const struct bench_algorithm *algorithm) {
  return algorithm->sign == CKM_ECDSA_SHA256 || algorithm->sign == CKM_SHA256_RSA_PKCS;
}

static bool begin(const struct bench_job *job, struct bench_module *module, unsigned worker, void **out_state) {
  (void)module;
  struct state *s = calloc(1, sizeof *s);
  if (s == NULL || sodium_init() < 0) return false;
  s->job = job;
  s->data[0] = (unsigned char)worker;
  s->random = malloc(job->size);
  *out_state = s;
  return s->random != NULL;
}

static void end(void *state) {
  struct state *s = state;
  if (s == NULL) return;
  EVP_PKEY_CTX_free(s->context);
  EVP_PKEY_free(s->pkey);
  free(s->random);
  free(s);
}

static bool sign_begin(const struct bench_job *job, struct bench_module *module, unsigned worker, void **out_state) {
  unsigned char public_key[crypto_sign_PUBLICKEYBYTES];
  if (!begin(job, module, worker, out_state)) return false;
  struct state *s = *out_state;
  if (job->algorithm->key_type == CKK_EC_EDWARDS) return crypto_sign_keypair(public_key, s->secret) == 0;
  s->pkey = make_pkey(job->algorithm);
  s->context = s->pkey != NULL ? EVP_PKEY_CTX_new(s->pkey, NULL) : NULL;
  if (s->context == NULL || EVP_PKEY_sign_init(s->context) != 1) return failed("EVP_PKEY_sign_init");
  if (job->algorithm->key_type == CKK_RSA && EVP_PKEY_CTX_set_rsa_padding(s->context, RSA_PKCS1_PADDING) != 1)
    return failed("EVP_PKEY_CTX_set_rsa_padding");
  if (job->algorithm->sign == CKM_SHA256_RSA_PKCS && EVP_PKEY_CTX_set_signature_md(s->context, EVP_sha256()) != 1)
    return failed("EVP_PKEY_CTX_set_signature_md");
  return true;
}

static bool sign_once(void *state) {
  struct state *s = state;
  unsigned char signature[BENCH_SIGNATURE_MAX], digest[32];
  size_t len = sizeof signature;
  const unsigned char *data = s->data;
  if (s->context == NULL)
    return crypto_sign_detached(signature, NULL, data, s->job->algorithm->data_len, s->secret) == 0;
  if (needs_hash(s->job->algorithm)) {
    if (EVP_Digest(data, s->job->algorithm->data_len, digest, NULL, EVP_sha256(), NULL) != 1)
      return failed("EVP_Digest");
    data = digest;
  }
  return EVP_PKEY_sign(s->context, signature, &len, data, s->job->algorithm->data_len) == 1 || failed("EVP_PKEY_sign");
}

static bool generate_once(void *state) {
  struct state *s = state;
  unsigned char public_key[crypto_sign_PUBLICKEYBYTES];
  if (s->job->algorithm->key_type == CKK_EC_EDWARDS) return crypto_sign_keypair(public_key, s->secret) == 0;
  s->pkey = make_pkey(s->job->algorithm);
  return s->pkey != NULL || failed("EVP_PKEY_Q_keygen");
}

static bool generate_after(void *state) {
  struct state *s = state;
  EVP_PKEY_free(s->pkey);
  s->pkey = NULL;
  return true;
}

static bool random_once(void *state) {
  struct state *s = state;
  return RAND_bytes(s->random, (int)s->job->size) == 1 || failed("RAND_bytes");
}

const struct bench_way bench_way_bare_sign = {sign_begin, sign_once, NULL, end};
const struct bench_way bench_way_bare_generate = {begin, generate_once, generate_after, end};
const struct bench_way bench_way_bare_random = {begin, random_once, NULL, end};

/* ---- Nothing: what the measuring itself costs ---- */

static bool null_begin(const struct bench_job *job, struct bench_module *module, unsigned worker, void **out_state) {
  (void)job;
  (void)module;
  (void)worker;
  *out_state = NULL;
  return true;
}

static bool null_once(void *state) {
  (void)state;
  return true;
}

static void null_end(void *state) {
  (void)state;
}

const struct bench_way bench_way_null = {null_begin, null_once, NULL, null_end};

/* ---- Wake-up: the least that asking another process can cost ---- */

struct echo {
  int fd;
  pid_t pid;
};

static void serve(int fd) {
  char byte;
  (void)prctl(PR_SET_PDEATHSIG, 9);
  while (read(fd, &byte, 1) == 1 && write(fd, &byte, 1) == 1) continue;
  _exit(0);
}

static bool wakeup_begin(const struct bench_job *job, struct bench_module *module, unsigned worker, void **out_state) {
  int ends[2];
  (void)job;
  (void)module;
  (void)worker;
  struct echo *e = calloc(1, sizeof *e);
  if (e == NULL || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return false;
  e->pid = fork();
  if (e->pid == 0) {
    (void)close(ends[0]);
    serve(ends[1]);
  }
  (void)close(ends[1]);
  e->fd = ends[0];
  *out_state = e;
  return e->pid > 0;
}

static bool wakeup_once(void *state) {
  struct echo *e = state;
  char byte = 'x';
  return write(e->fd, &byte, 1) == 1 && read(e->fd, &byte, 1) == 1;
}

static void wakeup_end(void *state) {
  struct echo *e = state;
  if (e == NULL) return;
  (void)close(e->fd);
  free(e);
}

const struct bench_way bench_way_wakeup = {wakeup_begin, wakeup_once, NULL, wakeup_end};
