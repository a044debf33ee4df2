/* Finds what a URI names: the tokens, a login where one is needed, and the objects. */
#ifndef CHIO_PROVIDER_FIND_H
#define CHIO_PROVIDER_FIND_H

#include "provider/key.h"
#include "provider/pin.h"

#define CHIO_FIND_OBJECTS_MAX 1000000u

/* Which classes; in this order they are found. */
#define CHIO_WANT_PRIVATE 0x1u
#define CHIO_WANT_CERT 0x2u
#define CHIO_WANT_PUBLIC 0x4u

struct chio_find_query {
  const struct chio_uri *uri;
  unsigned want;             /* CHIO_WANT_* */
  bool key_is_expected;      /* finding nothing for want of a PIN is an error */
  struct chio_slice subject; /* DER; empty: any */
  struct chio_slice issuer;
  struct chio_slice serial;  /* DER INTEGER */
  const char *alias;         /* or NULL */
};

struct chio_found_token {
  uint32_t slot;
  uint64_t flags;
  char label[33];
  char serial[17];
  struct chio_prov_login *login;
};

struct chio_found_object {
  size_t token;
  unsigned want; /* its one CHIO_WANT_* bit */
  struct chio_uid uid;
};

struct chio_found {
  struct chio_signer *signer;
  struct chio_found_token *tokens;
  size_t token_count;
  struct chio_found_object *objects;
  size_t object_count, object_room;
};

/* False with an error raised; a URI that names a key (object or id) and matches several of a class is one. The result
 * may be empty. The caller frees it with chio_found_free. */
bool chio_find(struct chio_prov *prov, const struct chio_find_query *query, const struct chio_pin_asker *asker,
               struct chio_found **out_found);
void chio_found_free(struct chio_found *found);

/* Adds an object of which the caller knows the name, of one CHIO_WANT_* kind; its index is object_count before. */
CHIO_MUST_CHECK enum chio_err chio_found_add(struct chio_found *found, size_t token, unsigned want,
                                             const struct chio_uid *uid);
CHIO_AUTO_DECLARE(chio_found)

/* One object's attributes; they borrow from holder. CHIO_E_OBJECT_UNKNOWN when it is gone. */
CHIO_MUST_CHECK enum chio_err chio_found_get(const struct chio_found *found, size_t index, struct chio_slice types,
                                             struct chio_buf *holder, struct chio_attrs *out_attributes,
                                             struct chio_detail *detail);

/* The key at index; *out_key NULL (and true) when the object is gone. as_public: the public part of a private key. */
bool chio_found_key(const struct chio_found *found, size_t index, bool as_public, struct chio_key **out_key);

#endif
