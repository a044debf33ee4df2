/*
 * What one C_Initialize begins and C_Finalize ends, and what its parts look like to one another. One lock (p11_lock in
 * library.h) guards every field here that is not marked otherwise; it is never held across input or output.
 */
#ifndef CHIO_PKCS11_APP_H
#define CHIO_PKCS11_APP_H

#include "pkcs11/cryptoki3.h"
#include "pkcs11/find.h"
#include "pkcs11/map.h"
#include "pkcs11/operation.h"
#include "signer/client/client.h"
#include "signer/wire/limits.h"
#include <pthread.h>
#include <stdatomic.h>

#define P11_CACHE_MAX 4096u /* objects whose attributes are kept */

/* A login of this application, shared by the calls that use its ticket. */
struct p11_login {
  unsigned refs;
  enum chio_user user;
  bool ended; /* chiod knows already: the PIN it came by was changed, or it said so */
  struct chio_login *ticket;
};

struct p11_slot {
  uint32_t id;
  struct p11_login *login; /* NULL: nobody is logged in */
  uint64_t epoch;          /* changes at each login and logout */
  uint64_t generation;     /* of the token, as the last reply said */
  uint64_t flags;          /* CKF_* of CK_TOKEN_INFO, as last seen */
  unsigned sessions;       /* open ones, of this application */
  unsigned rw_sessions;
  size_t mechanism_count; /* those the token allows */
  uint32_t mechanisms[CHIO_MECHANISMS_MAX];
};

struct p11_session {
  unsigned refs;
  atomic_bool closed;
  CK_SESSION_HANDLE handle;
  struct p11_slot *slot;
  CK_FLAGS flags;
  bool made_objects; /* chiod is told when it closes */

  pthread_mutex_t lock; /* held through a call; guards what follows */
  struct chio_buf holder; /* of the reply that is being looked at */
  struct p11_find find;
  struct p11_operation sign;
  struct p11_operation sign_messages; /* C_MessageSignInit ... */
  struct p11_operation verify;
  struct p11_operation digest;
};

struct p11_view;
struct p11_object;

struct p11_app {
  unsigned refs;
  unsigned long fork_generation; /* of the process that initialised it */
  struct chio_client *client;    /* thread-safe by itself */
  uint64_t next_session;
  struct p11_map sessions; /* handle -> struct p11_session */
  size_t slot_count;
  struct p11_slot *slots[CHIO_SLOTS_MAX];
  uint64_t next_object;
  struct p11_map objects;        /* handle -> struct p11_object */
  struct p11_map objects_by_uid; /* the newest handle of each object */
  size_t cache_next;
  CK_OBJECT_HANDLE cached[P11_CACHE_MAX]; /* a ring: who has a view, oldest at cache_next */
};

#endif
