#include "signer/daemon/reach_frame.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

void chio_reach_answer_clear(struct chio_reach_answer *answer) {
  if (answer->body != NULL) chio_wipe(answer->body, answer->len);
  free(answer->body);
  *answer = (struct chio_reach_answer){NULL, 0};
}

enum chio_err chio_reach_encode(enum chio_backend_message_type type, uint32_t id, const void *request,
                                struct chio_buf *out) {
  return chio_message_request(chio_backend_message_find((uint16_t)type), id, request, out);
}

static bool receive_all(int fd, uint8_t *to, size_t len) {
  while (len > 0) {
    ssize_t n = recv(fd, to, len, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    to += n;
    len -= (size_t)n;
  }
  return true;
}

bool chio_reach_receive(int fd, struct chio_reach_frame *out_frame) {
  uint8_t bytes[CHIO_FRAME_HEADER_SIZE];
  if (!receive_all(fd, bytes, sizeof bytes)) return false;
  if (chio_frame_decode(chio_slice(bytes, sizeof bytes), &out_frame->header) != CHIO_OK) return false;
  out_frame->body.len = out_frame->header.length;
  out_frame->body.body = malloc(out_frame->body.len > 0 ? out_frame->body.len : 1);
  if (out_frame->body.body != NULL && receive_all(fd, out_frame->body.body, out_frame->body.len)) return true;
  chio_reach_answer_clear(&out_frame->body);
  return false;
}
