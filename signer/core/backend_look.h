/*
 * Keys of backends are looked up lazily: when somebody first searches a backend's slot, not at start. What was found is
 * in the store with its public key and is not asked for again; what could not be found is tried again later, and hides
 * nothing else. The first public key seen is the one that counts from then on, unless the configuration names one.
 */
#ifndef CHIO_CORE_BACKEND_LOOK_H
#define CHIO_CORE_BACKEND_LOOK_H

#include "signer/core/state.h"

/* Why a signer without chio-kmsd does nothing with a backend's keys. */
#define CHIO_BACKEND_NOT_REACHED \
  "the embedded signer reaches no backends: their keys need chiod (CHIO_SIGNER=unix:PATH), which has chio-kmsd"

/* Whether a search in that slot would wait for the backend: nothing was looked up yet, or somebody is at it for the
 * first time. */
bool chio_backend_waits(struct chio_core *core, struct chio_backend *backend);

/* Looks up what is due; the first time, other callers wait until it is done, later they go on with what is there (and
 * leave it to the housekeeper, where there is one). Takes no longer than twice the backend's time. What goes wrong is
 * logged: a search shows what there is. */
void chio_backend_look(struct chio_core *core, struct chio_backend *backend);

/* The same by the housekeeper: nothing unless somebody looked before and something is due; and keys that the store
 * knows are compared, once a run, with what the backend says of them: another one is an alarm in the log. */
void chio_backend_look_again(struct chio_core *core, struct chio_backend *backend);

/* A key was destroyed: what is configured is looked up again. */
void chio_backend_forgot(struct chio_backend *backend);

/* What an error of the backend's means to whoever asked for a signature or a key. */
enum chio_err chio_backend_error(enum chio_err err);

/* Milliseconds of the monotonic clock. */
uint64_t chio_backend_now(void);

#endif
