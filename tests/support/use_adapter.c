/*
 * use_adapter KIND [--OPTION VALUE]... VERB...: calls one KMS adapter, without chiod and chio-kmsd.
 *
 *   describe URI | check URI MECHANISM LEN | sign URI MECHANISM | create TYPE BITS [LABEL [MECHANISM]] | list | random LEN
 *   encrypt URI KIND [AAD] | decrypt URI KIND [AAD]   from stdin to stdout; KIND: symmetric, oaep-sha1, -sha256, -sha512
 *   derive URI PEER SPKI   the shared secret with the public key in file PEER (DER) to stdout, the key's own to file SPKI
 *   health | bare METHOD URL [BODY [HEADER]...]       (a bare call by libcurl, to compare with)
 *
 * KIND is the adapter's word ("vault"); options are those of [backend.NAME], with - for _, and
 *   --count N     does it N times (sign, random, health, bare) and prints how long one took
 *   --threads N   in N threads at once
 *   --salt N      bytes of a PSS salt (the digest's)
 *   --data-len N  bytes to sign (ECDSA, EDDSA)
 *   --traceparent T  the trace that it belongs to (in the first thread)
 *   --evidence F  decrypt with the evidence in that file: what comes out is still wrapped for the key in it
 * MECHANISM is a row of mechanism.def ("ECDSA_SHA384"; PSS ones by their digest). Every signature is verified with
 * libcrypto. The exit status: 0; 1 for an error, which is printed with its name; 2 for a wrong command line.
 */
#include "kms-adapters/registry.h"
#include "kms-adapters/trace.h"
#include "signer/wire/cryptoki.h"
#include "tests/support/verify_signature.h"

#include <curl/curl.h>
#include <getopt.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define COUNT_MAX 1000000u
#define THREADS_MAX 1024u

struct use {
  const struct chio_adapter_ops *ops;
  void *self;
  struct chio_backend_options options;
  unsigned count, threads, salt, data_len;
  bool salt_given;
  const char *evidence; /* a file; NULL: none */
  int argc;
  char **argv; /* the verb and what follows */
  struct chio_kms_key key;
  const struct chio_mechanism *mechanism;
  uint64_t *times_ns; /* count of them */
  unsigned next, failed, zeros;
  struct chio_detail first_failure;
  enum chio_err first_err;
  pthread_mutex_t lock;
};

static uint64_t now_ns(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static struct chio_deadline deadline_of(const struct use *use) {
  return chio_deadline_in(use->options.timeout_ms != 0 ? use->options.timeout_ms : CHIO_KMS_TIMEOUT_MS);
}

/* What one turn of a verb does; scratch is for its results. */
typedef enum chio_err turn(struct use *use, struct chio_buf *scratch, uint64_t *out_ns, struct chio_detail *detail);

/* Something to sign of the form that sign takes. */
static void fill_data(const struct use *use, uint8_t *data, size_t *out_len) {
  static const uint8_t sha256_info[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                        0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
  const struct chio_mechanism *m = use->mechanism;
  size_t len = m->digest_len != 0 ? m->digest_len : m->wire == CHIO_MECH_EDDSA ? 100 : (use->key.bits + 7) / 8;
  size_t head = m->wire == CHIO_MECH_RSA_PKCS ? sizeof sha256_info : 0;
  if (m->wire == CHIO_MECH_ECDSA && len > 64) len = 64;
  if (head > 0) len = sizeof sha256_info + 32;
  if (use->data_len != 0) len = use->data_len;
  (void)RAND_bytes(data, (int)len);
  if (len >= head) memcpy(data, sha256_info, head);
  *out_len = len;
}

static struct chio_mech_params params_of(const struct use *use) {
  struct chio_mech_params params = {.kind = CHIO_PARAMS_NONE};
  if (use->mechanism->params != CHIO_PARAMS_PSS) return params;
  params = (struct chio_mech_params){.kind = CHIO_PARAMS_PSS,
                                     .hash = use->mechanism->digest,
                                     .mgf_hash = use->mechanism->digest,
                                     .salt_len = use->salt_given ? use->salt : use->mechanism->digest_len};
  return params;
}

static enum chio_err sign_once(struct use *use, struct chio_buf *scratch, uint64_t *out_ns, struct chio_detail *detail) {
  uint8_t data[CHIO_KMS_MESSAGE_MAX];
  size_t len;
  const struct chio_mech_params params = params_of(use);
  const struct chio_deadline deadline = deadline_of(use);
  fill_data(use, data, &len);
  uint64_t before = now_ns();
  enum chio_err err =
      use->ops->sign(use->self, &use->key, use->mechanism, &params, chio_slice(data, len), &deadline, scratch, detail);
  *out_ns = now_ns() - before;
  if (err != CHIO_OK) return err;
  if (!verify_signature(&use->key, use->mechanism, &params, chio_slice(data, len), chio_buf_slice(scratch)))
    return chio_fail(detail, CHIO_E_SIGNATURE_INVALID, "libcrypto refuses the signature");
  bool zero = use->key.key_type == CKK_EC && (scratch->data[0] == 0 || scratch->data[scratch->len / 2] == 0);
  (void)pthread_mutex_lock(&use->lock);
  use->zeros += zero ? 1 : 0;
  (void)pthread_mutex_unlock(&use->lock);
  return CHIO_OK;
}

static enum chio_err random_once(struct use *use, struct chio_buf *scratch, uint64_t *out_ns,
                                 struct chio_detail *detail) {
  const struct chio_deadline deadline = deadline_of(use);
  size_t len = strtoul(use->argv[1], NULL, 10);
  uint64_t before = now_ns();
  enum chio_err err = use->ops->random(use->self, len, &deadline, scratch, detail);
  *out_ns = now_ns() - before;
  if (err == CHIO_OK && scratch->len != len) return CHIO_E_BACKEND;
  return err;
}

static enum chio_err health_once(struct use *use, struct chio_buf *scratch, uint64_t *out_ns,
                                 struct chio_detail *detail) {
  const struct chio_deadline deadline = deadline_of(use);
  (void)scratch;
  uint64_t before = now_ns();
  enum chio_err err = use->ops->health(use->self, &deadline, detail);
  *out_ns = now_ns() - before;
  return err;
}

static size_t drop(char *data, size_t size, size_t count, void *arg) {
  (void)data;
  (void)arg;
  return size * count;
}

/* A handle for each thread, kept: what an application that spoke to the KMS itself would have. */
static enum chio_err bare_once(struct use *use, struct chio_buf *scratch, uint64_t *out_ns, struct chio_detail *detail) {
  static _Thread_local CURL *easy = NULL;
  struct curl_slist *headers = NULL;
  long status = 0;
  (void)scratch;
  if (easy == NULL) easy = curl_easy_init();
  for (int i = 4; i < use->argc; i++) headers = curl_slist_append(headers, use->argv[i]);
  (void)curl_easy_setopt(easy, CURLOPT_URL, use->argv[2]);
  (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop);
  (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  if (use->options.ca_file != NULL) (void)curl_easy_setopt(easy, CURLOPT_CAINFO, use->options.ca_file);
  if (use->argc > 3) (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, use->argv[3]);
  (void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, use->argv[1]);
  uint64_t before = now_ns();
  CURLcode code = curl_easy_perform(easy);
  *out_ns = now_ns() - before;
  (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  curl_slist_free_all(headers);
  if (code != CURLE_OK) return chio_fail(detail, CHIO_E_BACKEND_UNREACHABLE, "%s", curl_easy_strerror(code));
  return status < 300 ? CHIO_OK : chio_fail(detail, CHIO_E_BACKEND, "status %ld", status);
}

struct worker {
  struct use *use;
  turn *once;
  pthread_t thread;
};

static bool take_turn(struct use *use, unsigned *out_number) {
  (void)pthread_mutex_lock(&use->lock);
  bool more = use->next < use->count;
  *out_number = use->next;
  if (more) use->next++;
  (void)pthread_mutex_unlock(&use->lock);
  return more;
}

static void note_failure(struct use *use, enum chio_err err, const struct chio_detail *detail) {
  (void)pthread_mutex_lock(&use->lock);
  if (use->failed++ == 0) {
    use->first_failure = *detail;
    use->first_err = err;
  }
  (void)pthread_mutex_unlock(&use->lock);
}

static void *work(void *arg) {
  struct worker *worker = arg;
  struct chio_buf scratch = CHIO_BUF_INIT;
  unsigned number;
  while (take_turn(worker->use, &number)) {
    struct chio_detail detail = {.text = ""};
    chio_buf_reset(&scratch);
    enum chio_err err = worker->once(worker->use, &scratch, &worker->use->times_ns[number], &detail);
    if (err != CHIO_OK) note_failure(worker->use, err, &detail);
  }
  chio_buf_clear(&scratch);
  return NULL;
}

static int by_size(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

static void print_times(struct use *use, uint64_t all_ns) {
  qsort(use->times_ns, use->count, sizeof *use->times_ns, by_size);
  (void)printf("%u done, %u failed, %u with a leading zero; median %.3f ms, p99 %.3f ms, %.0f a second\n", use->count,
               use->failed, use->zeros, (double)use->times_ns[use->count / 2] / 1e6,
               (double)use->times_ns[use->count * 99 / 100] / 1e6, use->count / ((double)all_ns / 1e9));
}

static enum chio_err repeat(struct use *use, turn *once, struct chio_detail *detail) {
  struct worker *workers = calloc(use->threads, sizeof *workers);
  use->times_ns = calloc(use->count, sizeof *use->times_ns);
  if (workers == NULL || use->times_ns == NULL) abort();
  uint64_t before = now_ns();
  for (unsigned i = 0; i < use->threads; i++) {
    workers[i] = (struct worker){.use = use, .once = once};
    if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) abort();
  }
  for (unsigned i = 0; i < use->threads; i++) (void)pthread_join(workers[i].thread, NULL);
  print_times(use, now_ns() - before);
  free(workers);
  free(use->times_ns);
  *detail = use->first_failure;
  return use->failed > 0 ? use->first_err : CHIO_OK;
}

static enum chio_err do_describe(struct use *use, struct chio_detail *detail) {
  struct chio_key_uri uri;
  const struct chio_deadline deadline = deadline_of(use);
  enum chio_err err = chio_key_uri_parse(use->argv[1], &uri, detail);
  if (err == CHIO_OK) err = use->ops->describe(use->self, &uri, &deadline, &use->key, detail);
  return err;
}

static enum chio_err verb_describe(struct use *use, struct chio_detail *detail) {
  struct chio_buf text = CHIO_BUF_INIT;
  enum chio_err err = do_describe(use, detail);
  if (err == CHIO_OK) err = chio_key_uri_format(&use->key.uri, &text, detail);
  if (err == CHIO_OK)
    (void)printf("%s type %u bits %u sign %d decrypt %d spki %zu %s\n", chio_buf_cstr(&text), use->key.key_type,
                 use->key.bits, use->key.can_sign, use->key.can_decrypt, use->key.spki_len, use->key.fixed_algorithm);
  chio_buf_clear(&text);
  return err;
}

static const struct chio_mechanism *mechanism_named(const char *name) {
  size_t count;
  const struct chio_mechanism *rows = chio_mechanism_table(&count);
  for (size_t i = 0; i < count; i++)
    if (strcmp(rows[i].name + strlen("CKM_"), name) == 0) return &rows[i];
  return NULL;
}

static enum chio_err find_mechanism(struct use *use, struct chio_detail *detail) {
  use->mechanism = mechanism_named(use->argv[2]);
  return use->mechanism != NULL ? CHIO_OK : chio_fail(detail, CHIO_E_ARGUMENT, "no mechanism '%s'", use->argv[2]);
}

static enum chio_err verb_check(struct use *use, struct chio_detail *detail) {
  enum chio_err err = find_mechanism(use, detail);
  if (err == CHIO_OK) err = do_describe(use, detail);
  if (err != CHIO_OK) return err;
  const struct chio_mech_params params = params_of(use);
  return use->ops->check(&use->key, use->mechanism, &params, strtoul(use->argv[3], NULL, 10), detail);
}

static enum chio_err verb_sign(struct use *use, struct chio_detail *detail) {
  enum chio_err err = find_mechanism(use, detail);
  if (err == CHIO_OK) err = do_describe(use, detail);
  if (err == CHIO_OK) err = repeat(use, sign_once, detail);
  return err;
}

static enum chio_err verb_create(struct use *use, struct chio_detail *detail) {
  struct chio_key_uri uri;
  struct chio_buf text = CHIO_BUF_INIT;
  const struct chio_deadline deadline = deadline_of(use);
  const char *type = use->argv[1];
  const struct chio_mechanism *mechanism = use->argc > 4 ? mechanism_named(use->argv[4]) : NULL;
  const struct chio_kms_spec spec = {.key_type = strcmp(type, "ec") == 0        ? CKK_EC
                                                 : strcmp(type, "ed25519") == 0 ? CKK_EC_EDWARDS
                                                                                : CKK_RSA,
                                     .bits = (uint32_t)strtoul(use->argv[2], NULL, 10),
                                     .label = use->argc > 3 ? use->argv[3] : NULL,
                                     .mechanism = mechanism != NULL ? mechanism->wire : 0};
  enum chio_err err = use->ops->create(use->self, &spec, &deadline, &uri, detail);
  if (err == CHIO_OK) err = chio_key_uri_format(&uri, &text, detail);
  if (err == CHIO_OK) (void)printf("%s\n", chio_buf_cstr(&text));
  chio_buf_clear(&text);
  return err;
}

static enum chio_err print_uri(void *arg, const struct chio_key_uri *uri) {
  struct chio_buf text = CHIO_BUF_INIT;
  (void)arg;
  enum chio_err err = chio_key_uri_format(uri, &text, NULL);
  if (err == CHIO_OK) (void)printf("%s\n", chio_buf_cstr(&text));
  chio_buf_clear(&text);
  return err;
}

static enum chio_err verb_list(struct use *use, struct chio_detail *detail) {
  const struct chio_deadline deadline = deadline_of(use);
  return use->ops->list(use->self, &deadline, print_uri, NULL, detail);
}

static enum chio_err verb_random(struct use *use, struct chio_detail *detail) {
  return repeat(use, random_once, detail);
}

static enum chio_err verb_health(struct use *use, struct chio_detail *detail) {
  return repeat(use, health_once, detail);
}

static enum chio_err verb_bare(struct use *use, struct chio_detail *detail) {
  return repeat(use, bare_once, detail);
}

static enum chio_err cipher_of(const struct use *use, struct chio_kms_cipher *out_cipher, struct chio_detail *detail) {
  static const char *const words[] = {"symmetric", "oaep-sha1", "oaep-sha256", "oaep-sha512"};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(words); i++) {
    if (strcmp(use->argv[2], words[i]) != 0) continue;
    *out_cipher = (struct chio_kms_cipher){.kind = (enum chio_kms_cipher_kind)i};
    if (use->argc > 3) out_cipher->aad = chio_slice_str(use->argv[3]);
    return CHIO_OK;
  }
  return chio_fail(detail, CHIO_E_ARGUMENT, "no such kind of cipher");
}

/* The whole of a small file. */
static enum chio_err read_file(const char *path, uint8_t *bytes, size_t size, struct chio_slice *out_bytes,
                               struct chio_detail *detail) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) return chio_fail(detail, CHIO_E_IO, "%s cannot be read", path);
  size_t len = fread(bytes, 1, size, file);
  (void)fclose(file);
  *out_bytes = chio_slice(bytes, len);
  return CHIO_OK;
}

static enum chio_err verb_derive(struct use *use, struct chio_detail *detail) {
  uint8_t bytes[CHIO_KMS_SPKI_MAX];
  struct chio_slice peer = {NULL, 0};
  CHIO_AUTO(chio_secret) struct chio_secret *shared = NULL;
  const struct chio_deadline deadline = deadline_of(use);
  enum chio_err err = read_file(use->argv[2], bytes, sizeof bytes, &peer, detail);
  if (err == CHIO_OK) err = do_describe(use, detail);
  if (err == CHIO_OK && use->ops->derive == NULL) err = CHIO_E_UNSUPPORTED;
  if (err == CHIO_OK) err = use->ops->derive(use->self, &use->key, peer, &deadline, &shared, detail);
  if (err != CHIO_OK) return err;
  FILE *spki = fopen(use->argv[3], "wb");
  if (spki == NULL) return chio_fail(detail, CHIO_E_IO, "%s cannot be written", use->argv[3]);
  (void)fwrite(use->key.spki, 1, use->key.spki_len, spki);
  (void)fclose(spki);
  (void)fwrite(shared->data, 1, shared->len, stdout);
  return CHIO_OK;
}

static enum chio_err verb_cipher(struct use *use, struct chio_detail *detail) {
  static uint8_t in[CHIO_KMS_MESSAGE_MAX * 2], evidence[CHIO_KMS_MESSAGE_MAX];
  struct chio_key_uri uri;
  struct chio_kms_cipher cipher;
  struct chio_buf out = CHIO_BUF_INIT;
  CHIO_AUTO(chio_secret) struct chio_secret *plain = NULL;
  const struct chio_deadline deadline = deadline_of(use);
  size_t len = fread(in, 1, sizeof in, stdin);
  enum chio_err err = chio_key_uri_parse(use->argv[1], &uri, detail);
  if (err == CHIO_OK) err = cipher_of(use, &cipher, detail);
  if (err == CHIO_OK && use->evidence != NULL)
    err = read_file(use->evidence, evidence, sizeof evidence, &cipher.evidence, detail);
  if (err == CHIO_OK && strcmp(use->argv[0], "encrypt") == 0)
    err = use->ops->encrypt(use->self, &uri, &cipher, chio_slice(in, len), &deadline, &out, detail);
  else if (err == CHIO_OK)
    err = use->ops->decrypt(use->self, &uri, &cipher, chio_slice(in, len), &deadline, &plain, detail);
  if (err == CHIO_OK && plain != NULL) (void)fwrite(plain->data, 1, plain->len, stdout);
  if (err == CHIO_OK && plain == NULL) (void)fwrite(out.data, 1, out.len, stdout);
  chio_buf_clear(&out);
  return err;
}

static const struct {
  const char *name;
  int least; /* arguments with the verb */
  enum chio_err (*run)(struct use *use, struct chio_detail *detail);
} verbs[] = {
    {"describe", 2, verb_describe}, {"check", 4, verb_check},     {"sign", 3, verb_sign},
    {"create", 3, verb_create},     {"list", 1, verb_list},       {"random", 2, verb_random},
    {"encrypt", 3, verb_cipher},    {"decrypt", 3, verb_cipher},  {"health", 1, verb_health},
    {"bare", 3, verb_bare},         {"derive", 4, verb_derive},
};

static enum chio_err run_verb(struct use *use, struct chio_detail *detail) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(verbs); i++)
    if (strcmp(use->argv[0], verbs[i].name) == 0 && use->argc >= verbs[i].least) return verbs[i].run(use, detail);
  return chio_fail(detail, CHIO_E_ARGUMENT, "no such verb, or too few arguments");
}

/* The options of [backend.NAME] and where they go. */
static const struct {
  const char *name;
  size_t offset;
} texts[] = {
#define TEXT(option, member) {option, offsetof(struct chio_backend_options, member)}
    TEXT("endpoint", endpoint),     TEXT("ca-file", ca_file),       TEXT("region", region),
    TEXT("mount", mount),           TEXT("namespace", namespace_),  TEXT("vault", vault),
    TEXT("key-ring", key_ring),     TEXT("protection", protection), TEXT("module", module),
    TEXT("token", token),           TEXT("auth", auth),             TEXT("role", role),
    TEXT("tenant", tenant),         TEXT("auth-endpoint", auth_endpoint), TEXT("token-file", token_file),
    TEXT("secret-file", secret_file), TEXT("cert-file", cert_file),
#undef TEXT
};

static bool set_number(struct use *use, const char *name, const char *value) {
  char *end;
  unsigned long number = strtoul(value, &end, 10);
  if (*end != '\0' || number > COUNT_MAX) return false;
  if (strcmp(name, "count") == 0) use->count = (unsigned)number;
  else if (strcmp(name, "threads") == 0) use->threads = (unsigned)number;
  else if (strcmp(name, "timeout-ms") == 0) use->options.timeout_ms = (unsigned)number;
  else if (strcmp(name, "data-len") == 0) use->data_len = (unsigned)number;
  else if (strcmp(name, "salt") == 0) use->salt = (unsigned)number;
  else return false;
  use->salt_given = use->salt_given || strcmp(name, "salt") == 0;
  return true;
}

static bool set_option(struct use *use, const char *name, const char *value) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(texts); i++) {
    if (strcmp(name, texts[i].name) != 0) continue;
    *(const char **)((char *)&use->options + texts[i].offset) = value;
    return true;
  }
  struct chio_traceparent trace;
  bool traced = strcmp(name, "traceparent") == 0 && chio_traceparent_parse(chio_slice_str(value), &trace) == CHIO_OK;
  if (traced) chio_trace_begin(&trace);
  if (traced) return true;
  if (strcmp(name, "evidence") != 0) return set_number(use, name, value);
  use->evidence = value;
  return true;
}

static bool read_command_line(struct use *use, int argc, char *argv[]) {
  if (argc < 3) return false;
  use->ops = chio_adapter_find(argv[1]);
  int i = 2;
  for (; i + 1 < argc && strncmp(argv[i], "--", 2) == 0; i += 2)
    if (!set_option(use, argv[i] + 2, argv[i + 1])) return false;
  use->argc = argc - i;
  use->argv = argv + i;
  bool fits = use->threads >= 1 && use->threads <= THREADS_MAX && use->count >= 1 && use->data_len <= CHIO_KMS_MESSAGE_MAX;
  return use->argc > 0 && fits && (use->ops != NULL || strcmp(use->argv[0], "bare") == 0);
}

int main(int argc, char *argv[]) {
  static struct use use = {.count = 1, .threads = 1, .options = {.name = "test"}, .lock = PTHREAD_MUTEX_INITIALIZER};
  struct chio_detail detail = {.text = ""};
  struct chio_http *http = NULL;
  if (!read_command_line(&use, argc, argv)) {
    (void)fprintf(stderr, "usage: use_adapter KIND [--OPTION VALUE]... VERB...\n");
    return 2;
  }
  enum chio_err err = chio_http_new(&http);
  if (err == CHIO_OK && use.ops != NULL) err = use.ops->open(&use.options, http, &use.self, &detail);
  if (err == CHIO_OK) err = run_verb(&use, &detail);
  if (err != CHIO_OK) (void)fprintf(stderr, "use_adapter: %s: %s\n", chio_err_name(err), detail.text);
  if (use.self != NULL) use.ops->close(use.self);
  chio_http_free(http);
  return err == CHIO_OK ? 0 : 1;
}
