/*
 * A signer for tests of the client: a thread that serves a socket and a door in a temporary folder. It answers HELLO;
 * what it does with other messages is the test's to say.
 */
#ifndef TESTS_UNIT_FAKE_SIGNER_H
#define TESTS_UNIT_FAKE_SIGNER_H

#include "signer/wire/message.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#define FAKE_LINKS_MAX 64

enum fake_deed {
  FAKE_ANSWER,       /* SIGN: the data comes back; LOGIN, RENEW: a ticket; others: a reply of zeros */
  FAKE_CLOSE,        /* reads the request and closes */
  FAKE_SILENCE,      /* never answers */
  FAKE_WRONG_ID,
  FAKE_WRONG_TYPE,
  FAKE_NO_REPLY_FLAG,
  FAKE_TRUNCATED,    /* half a reply, then closes */
  FAKE_TRAILING,     /* one byte more in the body than the fields say */
  FAKE_TWO_REPLIES,
  FAKE_TOO_LONG,     /* a header that promises more than CHIO_BODY_MAX */
  FAKE_REFUSE,       /* CHIO_E_KEY_FUNCTION with a text */
  FAKE_CRUMBS,       /* the right reply, byte by byte */
};

struct fake_signer {
  char dir[64];
  char path[96];      /* of the socket */
  char endpoint[104]; /* "unix:" path */
  char door_path[96];
  bool with_door;
  _Atomic(enum fake_deed) deed;  /* for messages but HELLO */
  atomic_int deeds;              /* how often; then FAKE_ANSWER. Negative: always */
  atomic_uint accepted;          /* connections by path */
  atomic_uint through_door;      /* connections by door */
  atomic_uint requests;          /* messages but HELLO */
  atomic_uint sent[64];          /* by message type */
  atomic_uint lifetime;          /* seconds, of tickets */
  atomic_uint version;           /* spoken in HELLO */
  atomic_uint features;          /* answered in HELLO */
  char traceparent[CHIO_TRACEPARENT_MAX + 1]; /* of the last TRACE */
  atomic_uint hello_error;       /* enum chio_err that answers HELLO; 0: none */
  struct chio_uid instance;
  atomic_bool stop;
  bool running;
  int listener, door_listener;
  struct chio_buf reply; /* kept: nothing is freed while a test may fork, which sanitizers do not take well */
  struct {
    int fd;
    bool door;
    struct chio_buf in;
  } links[FAKE_LINKS_MAX];
  pthread_t thread;
};

/* Makes the folder and starts. */
void fake_start(struct fake_signer *fake, bool with_door);

/* As kill and start do with a chiod: every connection is lost; the path stays the same. */
void fake_stop(struct fake_signer *fake);
void fake_restart(struct fake_signer *fake);

/* Stops and removes the folder. */
void fake_end(struct fake_signer *fake);

#endif
