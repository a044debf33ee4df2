/* The backends that chio-kmsd was told of: their adapters, the keys that they described, the sources of collateral (and
 * the service that judges evidence, which is one of them). */
#ifndef CHIO_KMS_KMSD_BACKEND_H
#define CHIO_KMS_KMSD_BACKEND_H

#include "kms-adapters/adapter.h"
#include "kms-adapters/retry.h"
#include "signer/wire/backend_message.h"

#include <pthread.h>
#include <stdatomic.h>

#define CHIO_KMSD_BACKENDS_MAX 64u
#define CHIO_KMSD_KEYS_MAX 1024u    /* described keys that are remembered, of one backend */
#define CHIO_KMSD_FRESH_MS 60000u   /* so long a described key answers DESCRIBE again; SIGN takes it at any age */
#define CHIO_KMSD_COLLATERAL "collateral" /* the kind of a source of collateral, which has no adapter */

struct chio_kmsd_key; /* a remembered one */

struct chio_kmsd_backend {
  char name[CHIO_BACKEND_WIRE_NAME_MAX + 1];
  const struct chio_adapter_ops *ops; /* NULL: a source of collateral */
  void *self;
  unsigned timeout_ms;
  atomic_bool breaker_open;
  char *endpoint; /* sources of collateral: base URL and the CA to trust (NULL: the system's) */
  char *ca_file;
  struct chio_endpoint line; /* to the source */
  pthread_mutex_t making; /* held while a key is made: not every KMS says that a name is taken meanwhile */
  pthread_mutex_t lock;   /* guards what follows */
  struct chio_kmsd_key *keys;
  size_t key_count;
};

struct chio_kmsd {
  struct chio_http *http;
  struct chio_kmsd_backend *backends[CHIO_KMSD_BACKENDS_MAX];
  size_t count;
  bool has_modules; /* a backend is a PKCS#11 module, code of others in this process */
  struct chio_buf files; /* that the backends' options name, each ended by a NUL */
};

CHIO_MUST_CHECK enum chio_err chio_kmsd_new(struct chio_kmsd **out_kmsd);
/* No call may be under way. NULL is accepted. */
void chio_kmsd_free(struct chio_kmsd *kmsd);

/* Before any call: from one thread. CHIO_E_CONFIG, CHIO_E_EXISTS, CHIO_E_NO_MEMORY, and what the adapter says. */
CHIO_MUST_CHECK enum chio_err chio_kmsd_open(struct chio_kmsd *kmsd, const struct chio_backend_open_request *request,
                                             struct chio_detail *detail);

/* NULL: there is none of that name. */
struct chio_kmsd_backend *chio_kmsd_find(struct chio_kmsd *kmsd, struct chio_slice name);

/* A key by its URI: remembered, when the URI is pinned and what is remembered is younger than fresh_ms (UINT64_MAX: at
 * any age), else asked for and remembered under its pinned URI. */
CHIO_MUST_CHECK enum chio_err chio_kmsd_describe(struct chio_kmsd_backend *backend, const char *uri, uint64_t fresh_ms,
                                                 const struct chio_deadline *deadline, struct chio_kms_key *out_key,
                                                 struct chio_detail *detail);

/* Forgets a key whose use failed: the next use asks anew. */
void chio_kmsd_forget(struct chio_kmsd_backend *backend, const char *uri);

#endif
