/* The inside of reach.h: requests and their answers (reach_ask.c asks, reach_calls.c knows the messages). */
#ifndef CHIO_DAEMON_REACH_LINK_H
#define CHIO_DAEMON_REACH_LINK_H

#include "signer/daemon/reach.h"

/* What is asked. */
struct chio_reach_question {
  enum chio_backend_message_type type;
  const char *backend;
  const char *key;     /* for the log; NULL: none */
  const void *request; /* the message's struct */
  uint32_t *timeout_ms; /* its member, which a repetition shortens */
};

/* A reply's body; the caller frees it with chio_reach_answer_clear, which wipes. */
struct chio_reach_answer {
  uint8_t *body;
  size_t len;
};

/* Asks and waits. Asks once more, where that is harmless and time is left, when chio-kmsd died meanwhile. Errors are
 * chio-kmsd's, or CHIO_E_BACKEND_UNREACHABLE (it is not there, or went away), CHIO_E_TIMEOUT, CHIO_E_BACKEND (an answer
 * that cannot be decoded into out_reply, whose slices borrow from the answer). */
CHIO_MUST_CHECK enum chio_err chio_reach_ask(struct chio_reach *reach, const struct chio_reach_question *question,
                                             void *out_reply, struct chio_reach_answer *out_answer,
                                             struct chio_detail *detail);

/* One of many questions of one type to one backend, and what became of it. */
struct chio_reach_asked {
  struct chio_reach_question question;
  void *reply; /* the struct to decode into */
  struct chio_reach_answer answer; /* with CHIO_OK the caller's to clear */
  enum chio_err err;
};

/* Asks them side by side, and waits for all: each has the time its question names from when it is sent, and the errors
 * of chio_reach_ask. One that cannot be sent in CHIO_REACH_CROWD_TIMES that time is CHIO_E_TIMEOUT. */
void chio_reach_ask_many(struct chio_reach *reach, struct chio_reach_asked *list, size_t count);

void chio_reach_answer_clear(struct chio_reach_answer *answer);

/* The time for an operation where the core names none. */
unsigned chio_reach_default_ms(const struct chio_reach *reach, const char *backend);

#endif
