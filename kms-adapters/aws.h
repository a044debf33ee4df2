/* What the files of the AWS adapter share: aws.c (open, health), aws_key.c, aws_sign.c, aws_cipher.c. */
#ifndef CHIO_KMS_AWS_H
#define CHIO_KMS_AWS_H

#include "kms-adapters/adapter.h"
#include "kms-adapters/aws_credentials.h"
#include "kms-adapters/aws_request.h"

#include <jansson.h>
#include <pthread.h>

#define CHIO_AWS_ALIASES_MAX 256u /* resolved ones that are remembered */
#define CHIO_AWS_ARN_MAX 2048u    /* bytes; the KMS API reference's limit of KeyIdType */
#define CHIO_AWS_PLAIN_MAX 4096u  /* bytes; also of a message that is signed whole */
#define CHIO_AWS_SEALED_MAX 6144u /* bytes */

struct chio_aws_alias; /* aws_key.c */

struct chio_aws {
  char name[CHIO_AWS_ACCESS_KEY_MAX];
  char region[64];      /* where a URI names none; empty: nowhere */
  char *endpoint;       /* NULL: the region's own */
  char *ca_file;
  char *role, *token_file, *credentials_file, *sts_url, *metadata_url; /* for the chain */
  unsigned timeout_ms;
  bool fips;
  struct chio_http *http;
  struct chio_aws_endpoints *endpoints;
  struct chio_aws_chain *chain;
  pthread_mutex_t lock; /* of the aliases */
  struct chio_aws_alias *aliases;
};

/* One operation of KMS. The body is given up to the call. */
struct chio_aws_operation {
  const char *name;               /* "Sign" */
  const struct chio_key_uri *uri; /* NULL: none in particular; its region, endpoint and CA are used */
  const char *about;              /* for messages; NULL: the URI's key */
  json_t *body;                   /* NULL: out of memory, which the call reports */
  bool once;
  bool secret; /* the body holds a plaintext: its texts are wiped */
};

/* The reply, whose reference the caller drops; out_reply NULL: it is not looked at. Errors as in adapter.h. */
CHIO_MUST_CHECK enum chio_err chio_aws_ask(struct chio_aws *self, const struct chio_aws_operation *operation,
                                           const struct chio_deadline *deadline, json_t **out_reply,
                                           struct chio_detail *detail);

/* Whether the reply names the key that was asked: its ARN, or the id at the end of it. CHIO_E_BACKEND. */
CHIO_MUST_CHECK enum chio_err chio_aws_check_key(const struct chio_aws *self, const char *operation,
                                                 const json_t *reply, const char *arn, struct chio_detail *detail);
/* Whether a member says what it was asked for; one that is missing is passed over. CHIO_E_BACKEND. */
CHIO_MUST_CHECK enum chio_err chio_aws_check_echo(const struct chio_aws *self, const char *operation,
                                                  const json_t *reply, const char *member, const char *expected,
                                                  struct chio_detail *detail);

/* The key of a URI as ARN; an alias or an id is resolved at its first use and then remembered, so that an alias that is
 * moved later does not change what a URI means here. Those of DescribeKey, CHIO_E_BACKEND. */
CHIO_MUST_CHECK enum chio_err chio_aws_resolve(struct chio_aws *self, const struct chio_key_uri *uri,
                                               const struct chio_deadline *deadline, char out_arn[CHIO_KEY_URI_MAX],
                                               struct chio_detail *detail);
void chio_aws_aliases_free(struct chio_aws *self);

/* What a message calls a key: the last part of an ARN. Borrowed. */
const char *chio_aws_short_name(const char *key);

/* The functions of the table that stand in files of their own; see adapter.h. */
enum chio_err chio_aws_describe(void *self, const struct chio_key_uri *uri, const struct chio_deadline *deadline,
                                struct chio_kms_key *out_key, struct chio_detail *detail);
enum chio_err chio_aws_create(void *self, const struct chio_kms_spec *spec, const struct chio_deadline *deadline,
                              struct chio_key_uri *out_uri, struct chio_detail *detail);
enum chio_err chio_aws_list(void *self, const struct chio_deadline *deadline,
                            enum chio_err (*found)(void *arg, const struct chio_key_uri *uri), void *arg,
                            struct chio_detail *detail);
enum chio_err chio_aws_check(const struct chio_kms_key *key, const struct chio_mechanism *mechanism,
                             const struct chio_mech_params *params, size_t data_len, struct chio_detail *detail);
enum chio_err chio_aws_sign(void *self, const struct chio_kms_key *key, const struct chio_mechanism *mechanism,
                            const struct chio_mech_params *params, struct chio_slice data,
                            const struct chio_deadline *deadline, struct chio_buf *out_signature,
                            struct chio_detail *detail);
enum chio_err chio_aws_encrypt(void *self, const struct chio_key_uri *uri, const struct chio_kms_cipher *cipher,
                               struct chio_slice plain, const struct chio_deadline *deadline, struct chio_buf *out,
                               struct chio_detail *detail);
enum chio_err chio_aws_decrypt(void *self, const struct chio_key_uri *uri, const struct chio_kms_cipher *cipher,
                               struct chio_slice sealed, const struct chio_deadline *deadline,
                               struct chio_secret **out_plain, struct chio_detail *detail);
enum chio_err chio_aws_derive(void *self, const struct chio_kms_key *key, struct chio_slice peer_spki,
                              const struct chio_deadline *deadline, struct chio_secret **out_shared,
                              struct chio_detail *detail);
enum chio_err chio_aws_random(void *self, size_t len, const struct chio_deadline *deadline, struct chio_buf *out,
                              struct chio_detail *detail);

#endif
