#include "signer/client/trust.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PASSWD_BUFFER_MAX 4096u /* bytes for getpwnam_r; a longer entry counts as none */

static bool parse_uid(const char *text, uid_t *out_uid) {
  if (text[0] < '0' || text[0] > '9') return false;
  char *end;
  errno = 0;
  unsigned long value = strtoul(text, &end, 10);
  if (errno != 0 || *end != '\0' || value >= UINT32_MAX) return false;
  *out_uid = (uid_t)value;
  return true;
}

static bool look_up(const char *name, uid_t *out_uid) {
  char buffer[PASSWD_BUFFER_MAX];
  struct passwd entry;
  struct passwd *found = NULL;
  if (parse_uid(name, out_uid)) return true;
  if (getpwnam_r(name, &entry, buffer, sizeof buffer, &found) != 0 || found == NULL) return false;
  *out_uid = found->pw_uid;
  return true;
}

enum chio_err chio_trust_resolve(const char *name, struct chio_trust *out_trust, struct chio_detail *detail) {
  struct chio_trust trust = {.has_user = false};
  if (name == NULL) name = secure_getenv("CHIO_SIGNER_USER");
  bool asked = name != NULL && name[0] != '\0';
  if (!asked) name = CHIO_TRUSTED_USER_DEFAULT;
  if (strlen(name) >= sizeof trust.name)
    return chio_fail(detail, CHIO_E_CONFIG, "the name of the signer's user is longer than %zu bytes",
                     sizeof trust.name - 1);
  memcpy(trust.name, name, strlen(name) + 1);
  trust.has_user = look_up(name, &trust.user);
  if (asked && !trust.has_user)
    return chio_fail(detail, CHIO_E_CONFIG, "the signer's user '%s' does not exist (see CHIO_SIGNER_USER)", name);
  *out_trust = trust;
  return CHIO_OK;
}

enum chio_err chio_trust_check(const struct chio_trust *trust, const struct chio_socket *socket,
                               struct chio_detail *detail) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  if (getsockopt(socket->fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || size != sizeof peer)
    return chio_fail(detail, CHIO_E_PEER_UNTRUSTED, "the listener's user cannot be known");
  if (peer.uid == 0 || peer.uid == geteuid() || (trust->has_user && peer.uid == trust->user)) return CHIO_OK;
  return chio_fail(detail, CHIO_E_PEER_UNTRUSTED, "the listener is uid %u; trusted are root, uid %u and user '%s'%s",
                   (unsigned)peer.uid, (unsigned)geteuid(), trust->name, trust->has_user ? "" : " (does not exist)");
}
