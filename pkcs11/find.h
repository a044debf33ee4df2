/* A search: the page of unique ids that chiod sent last, and where it goes on. */
#ifndef CHIO_PKCS11_FIND_H
#define CHIO_PKCS11_FIND_H

#include "pkcs11/cryptoki3.h"
#include "signer/base/buf.h"

struct p11_find {
  bool active;
  bool more;             /* chiod has another page */
  uint64_t cursor;       /* for that page */
  struct chio_buf templ; /* wire list */
  struct chio_buf page;  /* unique ids, CHIO_UID_SIZE bytes each */
  size_t at;             /* bytes of the page handed out */
};

/* Frees what it has and makes it inactive. */
void p11_find_end(struct p11_find *find);

#endif
