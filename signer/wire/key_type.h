/* The kinds of key pairs that a signer makes: the names by which people and OpenSSL know them, and how to ask. */
#ifndef CHIO_WIRE_KEY_TYPE_H
#define CHIO_WIRE_KEY_TYPE_H

#include "signer/base/slice.h"

#include <stdint.h>

struct chio_key_type {
  const char *name;            /* of the command line: "p256" */
  const char *shown;           /* "P-256"; NULL: a size belongs to it (RSA) */
  const char *group;           /* OpenSSL's older name of the curve ("prime256v1"), or NULL */
  uint32_t generator;          /* mechanism, wire value */
  uint32_t ckk;                /* CKK_* */
  struct chio_slice ec_params; /* CKA_EC_PARAMS, or empty */
  uint32_t bits;               /* CKA_MODULUS_BITS, or 0 */
};

/* All rows, in the order in which help names them. */
const struct chio_key_type *chio_key_type_table(size_t *out_count);

/* By the name of the command line; NULL: there is none. */
const struct chio_key_type *chio_key_type_find(const char *name);

#endif
