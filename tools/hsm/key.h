/* Key pairs of a token, found by what a person calls them. */
#ifndef TOOLS_HSM_KEY_H
#define TOOLS_HSM_KEY_H

#include "signer/wire/cryptoki.h"
#include "tools/hsm/hsm.h"
#include <jansson.h>

/* One object of a pair, with the attributes that the tool shows. */
struct hsm_half {
  bool known;
  struct chio_uid uid;
  struct chio_attrs attributes; /* of bytes */
  struct chio_buf bytes;        /* owned */
};

/* A key pair: the two objects of one CKA_ID and key type, as far as they can be seen. */
struct hsm_key {
  struct hsm_half public_half, private_half;
};

struct hsm_keys {
  struct hsm_key *list;
  size_t count;
};

void hsm_keys_clear(struct hsm_keys *keys);

/* All key pairs, sorted by label. hsm_token was called; with a login the private ones too. */
CHIO_MUST_CHECK enum chio_err hsm_keys_all(struct hsm *hsm, struct hsm_keys *out_keys, struct chio_detail *detail);

/* The one key of this name: a label, an id or a unique id in hex, or a chio: URI. CHIO_E_OBJECT_UNKNOWN,
 * CHIO_E_ARGUMENT lists those it could be. */
CHIO_MUST_CHECK enum chio_err hsm_key_find(struct hsm *hsm, const char *name, struct hsm_keys *out_keys,
                                           struct chio_detail *detail);

/* Whether a key that can be seen has the label. */
CHIO_MUST_CHECK enum chio_err hsm_label_is_taken(struct hsm *hsm, const char *label, bool *out_taken,
                                                 struct chio_detail *detail);

/* The attribute of the public half, else of the private one; empty when there is none. */
struct chio_slice hsm_key_attribute(const struct hsm_key *key, uint32_t type);

/* "P-256", "RSA-2048" ... into out. */
void hsm_key_type_text(const struct hsm_key *key, char *out, size_t size);

/* C_SetAttributeValue of the state, with the login there is. */
CHIO_MUST_CHECK enum chio_err hsm_key_set_state(struct hsm *hsm, const struct chio_uid *object, const char *state,
                                                struct chio_detail *detail);

/* Whether the key's CKA_END_DATE is before today. Cryptoki attaches no meaning to it; people do. */
bool hsm_key_is_past_its_date(const struct hsm_key *key);

/* The key as an object of its text attributes. NULL when out of memory. */
json_t *hsm_key_json(struct hsm *hsm, const struct hsm_key *key);

/* One attribute of an object, whatever its size, borrowed from holder. CHIO_E_ATTRIBUTE_UNKNOWN when it has none. */
CHIO_MUST_CHECK enum chio_err hsm_attribute_get(struct hsm *hsm, const struct chio_uid *object, uint32_t type,
                                                struct chio_slice *out_value, struct chio_buf *holder,
                                                struct chio_detail *detail);

#endif
