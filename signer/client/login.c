#include "signer/base/lifetime.h"
#include "signer/base/secret.h"
#include "signer/client/call.h"
#include "signer/client/client.h"
#include "signer/client/deadline.h"
#include "signer/client/fork.h"
#include <stdlib.h>
#include <sys/mman.h>

#define LOGOUT_MS 1000u   /* an application that ends is not held up by a signer that is gone */
#define RETRY_SECONDS 10u /* between two tries to renew, when one failed */

/* Not a chio_secret: those are kept out of children, and a ticket is what children are to inherit. */
struct tickets {
  struct {
    uint8_t bytes[CHIO_TICKET_MAX];
    size_t len;
  } side[2]; /* one in use, the other is written: a child sees one of the two, never half of one */
};

struct chio_login {
  struct chio_fork_lock lock;
  struct tickets *tickets; /* pages of their own, locked where the limit allows it, out of core dumps */
  atomic_uint side;        /* the one in use */
  uint32_t slot;
  unsigned long maker;     /* generation of the process that logged in */
  unsigned long renewer;   /* generation + 1 of the process that is renewing now; 0: none */
  uint64_t renew_at;       /* seconds of the clock that counts suspended time too */
};

static uint64_t seconds(void) {
  return chio_clock_ms(CLOCK_BOOTTIME) / 1000u;
}

static struct tickets *tickets_new(void) {
  void *at = mmap(NULL, sizeof(struct tickets), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) return NULL;
  /* A guest in the process goes on without these. */
  (void)mlock(at, sizeof(struct tickets));
  (void)madvise(at, sizeof(struct tickets), MADV_DONTDUMP);
  return at;
}

/* The lock is held, or nobody else knows the login yet. */
static void put(struct chio_login *login, struct chio_slice ticket, uint64_t lifetime) {
  unsigned other = 1 - atomic_load(&login->side);
  memcpy(login->tickets->side[other].bytes, ticket.data, ticket.len);
  login->tickets->side[other].len = ticket.len;
  atomic_store(&login->side, other);
  login->renew_at = seconds() + lifetime - chio_lifetime_ahead(lifetime);
}

static enum chio_err login_make(uint32_t slot, struct chio_login **out_login) {
  struct chio_login *login = calloc(1, sizeof *login);
  if (login == NULL) return CHIO_E_NO_MEMORY;
  login->slot = slot;
  login->maker = chio_client_fork_generation();
  login->tickets = tickets_new();
  if (login->tickets == NULL || chio_fork_lock_init(&login->lock) != CHIO_OK) {
    chio_login_free(login);
    return CHIO_E_NO_MEMORY;
  }
  *out_login = login;
  return CHIO_OK;
}

static void holder_wipe(struct chio_buf *holder) {
  chio_wipe(holder->data, holder->cap);
  chio_buf_clear(holder);
}

enum chio_err chio_login_new(struct chio_client *client, uint32_t slot, enum chio_user user, struct chio_slice name,
                             struct chio_slice pin, struct chio_login **out_login, struct chio_detail *detail) {
  struct chio_login *login;
  enum chio_err err = login_make(slot, &login);
  if (err != CHIO_OK) return chio_fail(detail, err, "login: %s", chio_err_text(err));
  struct chio_login_request request = {.slot = slot, .user = (uint32_t)user, .name = name, .pin = pin};
  struct chio_login_reply reply;
  struct chio_buf holder = CHIO_BUF_INIT;
  err = chio_call_login(client, &request, &reply, &holder, NULL, detail);
  if (err == CHIO_OK) put(login, reply.ticket, reply.lifetime);
  holder_wipe(&holder);
  if (err != CHIO_OK)
    chio_login_free(login);
  else
    *out_login = login;
  return err;
}

void chio_login_free(struct chio_login *login) {
  if (login == NULL) return;
  if (login->tickets != NULL) {
    chio_wipe(login->tickets, sizeof *login->tickets);
    (void)munmap(login->tickets, sizeof *login->tickets);
  }
  chio_fork_lock_destroy(&login->lock);
  free(login);
}

/* out_renew not NULL: *out_renew tells the caller that renewing is due and that it is the one to do it. */
static enum chio_err copy(struct chio_login *login, uint8_t out[CHIO_TICKET_MAX], size_t *out_len, bool *out_renew) {
  struct chio_fork_mutex *held;
  enum chio_err err = chio_fork_lock_take(&login->lock, &held);
  if (err != CHIO_OK) return err;
  unsigned side = atomic_load(&login->side);
  unsigned long me = chio_client_fork_generation() + 1;
  *out_len = login->tickets->side[side].len;
  memcpy(out, login->tickets->side[side].bytes, *out_len);
  if (out_renew != NULL) {
    *out_renew = seconds() >= login->renew_at && login->renewer != me;
    if (*out_renew) login->renewer = me;
  }
  chio_fork_lock_release(held);
  return CHIO_OK;
}

/* One thread renews while the others go on with the ticket that they have. What comes of it is no concern of the call
 * that happened to start it: while the old ticket lives it is good, and after that chiod says so. */
static void renew(struct chio_login *login, struct chio_client *client, struct chio_slice ticket) {
  struct chio_renew_request request = {.slot = login->slot, .ticket = ticket};
  struct chio_renew_reply reply;
  struct chio_buf holder = CHIO_BUF_INIT;
  struct chio_fork_mutex *held;
  enum chio_err err = chio_call_renew(client, &request, &reply, &holder, NULL, NULL);
  if (chio_fork_lock_take(&login->lock, &held) == CHIO_OK) {
    if (err == CHIO_OK)
      put(login, reply.ticket, reply.lifetime);
    else
      login->renew_at = seconds() + RETRY_SECONDS;
    login->renewer = 0;
    chio_fork_lock_release(held);
  }
  holder_wipe(&holder);
}

enum chio_err chio_login_ticket(struct chio_login *login, struct chio_client *client, uint8_t out[CHIO_TICKET_MAX],
                                struct chio_slice *out_ticket) {
  size_t len = 0;
  bool due = false;
  if (login != NULL) {
    enum chio_err err = copy(login, out, &len, &due);
    if (err != CHIO_OK) return err;
    if (due) {
      renew(login, client, chio_slice(out, len));
      err = copy(login, out, &len, NULL);
      if (err != CHIO_OK) return err;
    }
  }
  *out_ticket = chio_slice(out, len);
  return CHIO_OK;
}

void chio_login_end(struct chio_login *login, struct chio_client *client) {
  if (login == NULL) return;
  uint8_t ticket[CHIO_TICKET_MAX];
  size_t len;
  if (login->maker == chio_client_fork_generation() && copy(login, ticket, &len, NULL) == CHIO_OK) {
    struct chio_logout_request request = {.slot = login->slot, .ticket = chio_slice(ticket, len)};
    enum chio_err err = chio_call_within(client, CHIO_MSG_LOGOUT, &request, NULL, NULL, LOGOUT_MS, NULL, NULL);
    (void)err; /* a signer that is gone, or has forgotten the ticket, is logged out of as well */
  }
  chio_wipe(ticket, sizeof ticket);
  chio_login_free(login);
}
