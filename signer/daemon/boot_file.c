#include "signer/daemon/boot_file.h"

#include "signer/base/write.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void chio_boot_file_path(const char *socket, char *out, size_t size) {
  size_t stem = strlen(socket);
  if (stem > 5 && strcmp(socket + stem - 5, ".sock") == 0) stem -= 5;
  (void)snprintf(out, size, "%.*s.evidence.json", (int)stem, socket);
}

/* The umask forbids others everything; this one file is for them. */
static enum chio_err write_new(const char *path, struct chio_slice bytes) {
  char fresh[PATH_MAX];
  if (snprintf(fresh, sizeof fresh, "%s.new", path) >= (int)sizeof fresh) return CHIO_E_TOO_LONG;
  (void)unlink(fresh);
  int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
  if (fd < 0) return CHIO_E_IO;
  enum chio_err err = chio_write_whole(fd, bytes) ? CHIO_OK : CHIO_E_IO;
  if (err == CHIO_OK && fchmod(fd, S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH) != 0) err = CHIO_E_IO;
  (void)close(fd);
  if (err == CHIO_OK && rename(fresh, path) != 0) err = CHIO_E_IO;
  if (err != CHIO_OK) (void)unlink(fresh);
  return err;
}

enum chio_err chio_boot_file_write(struct chio_core *core, const char *path, struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *bundle = chio_buf_new();
  if (bundle == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = chio_core_boot_evidence(core, bundle);
  if (err != CHIO_OK) return chio_fail(detail, err, "the signer's own evidence cannot be made: %s", chio_err_text(err));
  chio_buf_append_u8(bundle, '\n');
  if ((err = chio_buf_err(bundle)) != CHIO_OK) return err;
  err = write_new(path, chio_buf_slice(bundle));
  return err == CHIO_OK ? err : chio_fail(detail, CHIO_E_IO, "%s: %s", path, strerror(errno));
}
