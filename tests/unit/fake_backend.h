/* A KMS in memory behind signer/core/backend.h: real keys, and faults on demand. */
#ifndef CHIO_TESTS_FAKE_BACKEND_H
#define CHIO_TESTS_FAKE_BACKEND_H

#include "signer/core/backend.h"
#include "signer/core/crypto.h"

#include <pthread.h>

#define FAKE_KEYS_MAX 16u

struct fake_key {
  char uri[128];
  struct chio_key *key;
  enum chio_err fault; /* of what is asked of this key */
};

struct fake_backend {
  struct fake_key keys[FAKE_KEYS_MAX];
  size_t count;
  enum chio_err fault;  /* of everything */
  bool wrong_signature; /* a bit is flipped */
  bool no_attestation;
  /* What it attests of a key; NULL: words. */
  enum chio_err (*attest)(const struct fake_key *key, struct chio_buf *out);
  unsigned describes, signs, creates, lists; /* calls */
  unsigned crowds;           /* calls of sign_many; their items count as signs too */
  size_t refused_item;       /* this item of each crowd fails, counted from 1; 0: none */
  char last_label[64];
  uint32_t made_for; /* the mechanism that create was told */
  uint32_t last_mechanism;
  size_t last_data_len;
  pthread_mutex_t lock;
  pthread_cond_t moved;
  bool hold;       /* signatures wait until it is false */
  unsigned held; /* that many wait now */
};

extern const struct chio_backend_ops fake_backend_ops;

void fake_backend_init(struct fake_backend *fake);
void fake_backend_clear(struct fake_backend *fake);
/* A new key of that type under the URI; one that is there already gets another key. */
void fake_backend_put(struct fake_backend *fake, const char *uri, uint32_t key_type, uint32_t bits);
struct fake_key *fake_backend_find(struct fake_backend *fake, const char *uri);

#endif
