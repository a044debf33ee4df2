#include "provider/login.h"

#include "provider/job.h"
#include "provider/pin.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

enum state { STATE_NONE, STATE_PENDING, STATE_GOOD, STATE_REJECTED, STATE_ENDED };

#define WAIT_STEP_MS 5u
#define WAIT_STEPS (2u * CHIO_CLIENT_CALL_MS / WAIT_STEP_MS)

struct chio_prov_login {
  struct chio_prov_login *next; /* set before the login is shared, then constant */
  struct chio_signer *signer;
  uint32_t slot;
  uint8_t mark[CHIO_PIN_MARK];
  enum chio_pin_origin origin;
  char *source;
  atomic_int state;
  atomic_ulong generation;   /* of fork, when the state became PENDING */
  struct chio_login *ticket; /* set before the state becomes GOOD, then constant */
};

static void login_free(struct chio_prov_login *login) {
  if (login == NULL) return;
  chio_login_free(login->ticket);
  free(login->source);
  free(login);
}

void chio_prov_logins_free(struct chio_prov_login *head) {
  while (head != NULL) {
    struct chio_prov_login *next = head->next;
    login_free(head);
    head = next;
  }
}

static struct chio_prov_login *find(struct chio_prov_login *head, const struct chio_prov_login *known, uint32_t slot,
                                    const uint8_t mark[CHIO_PIN_MARK]) {
  for (; head != known; head = head->next)
    if (head->slot == slot && atomic_load(&head->state) != STATE_ENDED &&
        memcmp(head->mark, mark, CHIO_PIN_MARK) == 0)
      return head;
  return NULL;
}

static struct chio_prov_login *login_new(struct chio_signer *signer, uint32_t slot, const uint8_t mark[CHIO_PIN_MARK],
                                         enum chio_pin_origin origin, const char *source) {
  struct chio_prov_login *login = calloc(1, sizeof *login);
  if (login == NULL) return NULL;
  login->signer = signer;
  login->slot = slot;
  login->origin = origin;
  memcpy(login->mark, mark, CHIO_PIN_MARK);
  if (source != NULL && (login->source = strdup(source)) == NULL) {
    login_free(login);
    return NULL;
  }
  return login;
}

/* The one entry for this slot and mark. */
static struct chio_prov_login *find_or_add(struct chio_signer *signer, uint32_t slot,
                                           const uint8_t mark[CHIO_PIN_MARK], enum chio_pin_origin origin,
                                           const char *source) {
  _Atomic(struct chio_prov_login *) *list = chio_signer_logins(signer);
  struct chio_prov_login *head = atomic_load(list);
  struct chio_prov_login *found = find(head, NULL, slot, mark);
  if (found != NULL) return found;
  struct chio_prov_login *made = login_new(signer, slot, mark, origin, source);
  while (made != NULL) {
    struct chio_prov_login *known = head;
    made->next = head;
    if (atomic_compare_exchange_weak(list, &head, made)) break;
    found = find(head, known, slot, mark);
    if (found == NULL) continue;
    login_free(made);
    return found;
  }
  return made;
}

/* Sends the PIN, once; the state says afterwards what came of it. */
static enum chio_err ask(struct chio_prov_login *login, struct chio_slice pin, struct chio_detail *detail) {
  enum chio_err err = chio_login_new(chio_signer_client(login->signer), login->slot, CHIO_USER_USER,
                                     chio_slice(NULL, 0), pin, &login->ticket, detail);
  bool rejected = err == CHIO_E_PIN_INCORRECT || err == CHIO_E_PIN_LENGTH || err == CHIO_E_PIN_INVALID;
  atomic_store(&login->state, err == CHIO_OK ? STATE_GOOD : rejected ? STATE_REJECTED : STATE_NONE);
  return err;
}

/* Another thread has sent the same PIN. In a fork child there may be no such thread any more. */
static void wait_step(struct chio_prov_login *login) {
  int pending = STATE_PENDING;
  if (atomic_load(&login->generation) != chio_client_fork_generation()) {
    atomic_compare_exchange_strong(&login->state, &pending, STATE_NONE);
    return;
  }
  /* It may be a job on this very thread. */
  if (chio_job_pause((int)WAIT_STEP_MS)) return;
  struct timespec step = {.tv_nsec = WAIT_STEP_MS * 1000000L};
  int saved = errno;
  nanosleep(&step, NULL);
  errno = saved;
}

static struct chio_prov_login *settle(struct chio_prov_login *login, struct chio_slice pin) {
  const struct chio_prov *prov = chio_signer_prov(login->signer);
  struct chio_detail detail = {""};
  for (unsigned step = 0; step < WAIT_STEPS; step++) {
    int state = atomic_load(&login->state);
    if (state == STATE_GOOD) return login;
    if (state == STATE_REJECTED) {
      chio_raise(prov, CHIO_R_PIN_NOT_RETRIED, "slot %u", login->slot);
      return NULL;
    }
    if (state == STATE_NONE && atomic_compare_exchange_strong(&login->state, &state, STATE_PENDING)) {
      atomic_store(&login->generation, chio_client_fork_generation());
      enum chio_err err = ask(login, pin, &detail);
      if (err == CHIO_OK) return login;
      chio_raise_err(prov, err, &detail, "login");
      return NULL;
    }
    wait_step(login);
  }
  chio_raise(prov, CHIO_R_SIGNER_UNREACHABLE, "login at slot %u takes too long", login->slot);
  return NULL;
}

struct chio_prov_login *chio_prov_login_get(struct chio_signer *signer, uint32_t slot, struct chio_slice pin,
                                            enum chio_pin_origin origin, const char *source) {
  uint8_t mark[CHIO_PIN_MARK];
  chio_signer_pin_mark(signer, slot, pin, mark);
  struct chio_prov_login *login = find_or_add(signer, slot, mark, origin, source);
  if (login != NULL) return settle(login, pin);
  chio_raise(chio_signer_prov(signer), CHIO_R_NO_MEMORY, "login");
  return NULL;
}

struct chio_prov_login *chio_prov_login_any(struct chio_signer *signer, uint32_t slot) {
  struct chio_prov_login *login = atomic_load(chio_signer_logins(signer));
  for (; login != NULL; login = login->next)
    if (login->slot == slot && atomic_load(&login->state) == STATE_GOOD) return login;
  return NULL;
}

enum chio_err chio_prov_login_ticket(struct chio_prov_login *login, uint8_t out[CHIO_TICKET_MAX],
                                     struct chio_slice *out_ticket) {
  if (login != NULL) return chio_login_ticket(login->ticket, chio_signer_client(login->signer), out, out_ticket);
  *out_ticket = chio_slice(NULL, 0);
  return CHIO_OK;
}

struct chio_prov_login *chio_prov_login_again(struct chio_prov_login *login) {
  const struct chio_prov *prov = chio_signer_prov(login->signer);
  CHIO_AUTO(chio_secret) struct chio_secret *pin = NULL;
  int good = STATE_GOOD;
  chio_errors_mark(prov);
  struct chio_prov_login *next = NULL;
  atomic_compare_exchange_strong(&login->state, &good, STATE_ENDED);
  if (chio_pin_reread(prov, login->origin, login->source, &pin))
    next = chio_prov_login_get(login->signer, login->slot, chio_secret_slice(pin), login->origin, login->source);
  chio_errors_drop(prov);
  return next;
}
