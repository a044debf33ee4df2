/* chio-kmsd: reaches the backends that hold delegated keys, on behalf of the chiod that started it. */
#include "config.h"

#include "kms-adapters/body.h"
#include "kms-adapters/kmsd_backend.h"
#include "kms-adapters/kmsd_files.h"
#include "kms-adapters/kmsd_sandbox.h"
#include "kms-adapters/kmsd_server.h"
#include "signer/base/log.h"

#include <netdb.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static int fail(enum chio_err err, const struct chio_detail *detail) {
  chio_log(CHIO_LOG_ERROR, "kmsd.failed", detail->text[0] != '\0' ? detail->text : chio_err_text(err),
           CHIO_F_STR("error", chio_err_name(err)));
  return 1;
}

static bool is_our_socket(void) {
  int type = 0;
  socklen_t len = sizeof type;
  return getsockopt(CHIO_BACKEND_FD, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM;
}

static enum chio_err lock_down(struct chio_kmsd *kmsd, const struct chio_backend_lock_request *request,
                               struct chio_detail *detail) {
  /* What the C library loads for looking names up is loaded before the filter forbids it. */
  struct addrinfo *found = NULL;
  if (getaddrinfo("localhost", NULL, NULL, &found) == 0) freeaddrinfo(found);
  enum chio_err err = CHIO_OK;
  if (!CHIO_SANITIZED) err = chio_kmsd_files_close(kmsd, request->state, request->files, detail);
  return err != CHIO_OK ? err : chio_kmsd_sandbox_enter(kmsd->has_modules, detail);
}

int main(int argc, char *argv[]) {
  struct chio_detail detail = {""};
  struct chio_kmsd *kmsd = NULL;
  if (argc == 2 && strcmp(argv[1], "--version") == 0) return printf("chio-kmsd " PACKAGE_VERSION "\n") > 0 ? 0 : 1;
  if (argc != 1 || !is_our_socket()) {
    (void)fputs("chio-kmsd: chiod starts this program; see chio-kmsd(8)\n", stderr);
    return 2;
  }
  enum chio_err err = chio_kmsd_harden(&detail);
  if (err == CHIO_OK && sodium_init() < 0) err = chio_fail(&detail, CHIO_E_INTERNAL, "libsodium cannot be initialised");
  chio_body_wipe_freed();
  if (err == CHIO_OK) err = chio_kmsd_new(&kmsd);
  if (err == CHIO_OK) err = chio_kmsd_serve(CHIO_BACKEND_FD, kmsd, lock_down, &detail);
  /* Threads may still wait for a KMS: nothing is freed under them. */
  _exit(err == CHIO_OK ? 0 : fail(err, &detail));
}
