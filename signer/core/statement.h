/* The key statement: what a key is, in canonical JSON (docs/attributes.md, "The statement"). */
#ifndef CHIO_CORE_STATEMENT_H
#define CHIO_CORE_STATEMENT_H

#include "signer/wire/attrs.h"

struct chio_statement_facts {
  struct chio_attrs attrs; /* of the private key, PUBLIC_KEY_INFO among them */
  uint32_t key_bits;
  const char *token_serial;
  uint64_t time; /* seconds since the epoch */
  uint64_t counter;
  bool fresh; /* a nonce was given (may be empty) */
  struct chio_slice nonce;
  bool in_toto; /* the envelope is to hold an in-toto Statement around it (attest/in_toto.h) */
};

/* Appends the payload. CHIO_E_NO_MEMORY, CHIO_E_INTERNAL. */
CHIO_MUST_CHECK enum chio_err chio_statement_payload(const struct chio_statement_facts *facts, struct chio_buf *out);

/* When a statement was made, out of its DSSE envelope, which is our own and not verified here. */
bool chio_statement_time(struct chio_slice envelope, uint64_t *out_time);

#endif
