#include "signer/base/write.h"

#include <errno.h>
#include <unistd.h>

bool chio_write_whole(int fd, struct chio_slice bytes) {
  while (bytes.len > 0) {
    ssize_t put = write(fd, bytes.data, bytes.len);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    bytes = chio_slice(bytes.data + put, bytes.len - (size_t)put);
  }
  return true;
}
