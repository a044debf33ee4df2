/*
 * Who starts chio-kmsd. chiod's own filter forbids fork and exec, and yet chio-kmsd must be started again whenever it
 * dies: so a small process is forked before chiod has any secret, becomes the user that chio-kmsd runs as, and waits on
 * a socketpair for words: start (it hands back the end of a new socketpair that the new chio-kmsd has the other end
 * of), kill and end. It ends, and chio-kmsd with it, when chiod's end closes.
 */
#ifndef CHIO_DAEMON_SPAWNER_H
#define CHIO_DAEMON_SPAWNER_H

#include "signer/base/config.h"
#include "signer/daemon/process.h"

#define CHIO_SPAWNER_REST_MS 1500 /* more than chio-kmsd takes for it (CHIO_KMSD_REST_MS) */

struct chio_spawner_config {
  const char *program;                 /* path of chio-kmsd */
  const struct chio_identity *identity; /* whom it runs as; NULL: as we are */
  const struct chio_config_strings *environment; /* names of variables passed on besides the usual ones; may be NULL */
  int log_fd;                          /* its standard error; -1: ours */
};

/* Forks; call it before there are threads or secrets. CHIO_E_NOT_FOUND (no such program), CHIO_E_PERMISSION, CHIO_E_IO.
 * The descriptor is the caller's; closing it ends the spawner. */
CHIO_MUST_CHECK enum chio_err chio_spawner_start(const struct chio_spawner_config *config, int *out_fd,
                                                 struct chio_detail *detail);

/* Ends the chio-kmsd that runs, if one does, and starts a new one. A program that cannot be executed shows as an end of
 * the channel. CHIO_E_DISCONNECTED (the spawner is gone), CHIO_E_IO (it could not fork). */
CHIO_MUST_CHECK enum chio_err chio_spawner_run(int fd, int *out_channel, pid_t *out_pid);

/* Kills the chio-kmsd that runs, if one does. */
void chio_spawner_kill(int fd);

/* The same for one whose channel has ended, once it has had CHIO_SPAWNER_REST_MS to end by itself: it lets what it has
 * begun come to an end, for the module of an HSM may be writing to its token. */
void chio_spawner_end(int fd);

/* Whether chio-kmsd gets a variable of this name: those of the providers' own conventions, proxies, HOME. */
bool chio_spawner_passes(const char *name, const struct chio_config_strings *more);

#endif
