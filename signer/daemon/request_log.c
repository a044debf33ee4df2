#include "signer/daemon/request_log.h"

#include "signer/base/log.h"
#include "signer/wire/message.h"

static const char *message_name(uint16_t type) {
  const struct chio_message *message = chio_message_find(type);
  return message != NULL ? message->name : "unknown message";
}

static void log_request(enum chio_log_level level, const char *event, const char *sentence,
                        const struct chio_peer *peer, const struct chio_frame_header *request, enum chio_err err) {
  chio_log(level, event, sentence, CHIO_F_STR("type", message_name(request->type)),
           CHIO_F_UINT("uid", (unsigned long long)peer->uid), CHIO_F_INT("pid", (long long)peer->pid),
           CHIO_F_UINT("request", request->request_id), CHIO_F_STR("error", chio_err_name(err)));
}

bool chio_request_log_reply(const struct chio_peer *peer, const struct chio_frame_header *request, enum chio_err err,
                            struct chio_slice reply) {
  struct chio_frame_header header = {.error = (uint32_t)err};
  if (reply.len >= CHIO_FRAME_HEADER_SIZE &&
      chio_frame_decode(chio_slice(reply.data, CHIO_FRAME_HEADER_SIZE), &header) != CHIO_OK)
    header.error = (uint32_t)err;
  enum chio_err answer = chio_err_from_wire(header.error);
  if (answer == CHIO_OK) answer = err;
  if (chio_log_enabled(CHIO_LOG_DEBUG)) log_request(CHIO_LOG_DEBUG, "request", "dispatched", peer, request, answer);
  return answer != CHIO_OK;
}

void chio_request_log_violation(const struct chio_peer *peer, enum chio_err err, const char *text) {
  chio_log(CHIO_LOG_NOTICE, "peer.refused", text, CHIO_F_UINT("uid", (unsigned long long)peer->uid),
           CHIO_F_INT("pid", (long long)peer->pid), CHIO_F_STR("error", chio_err_name(err)));
}

void chio_request_log_busy(const struct chio_peer *peer, const struct chio_frame_header *request) {
  log_request(CHIO_LOG_NOTICE, "request.busy", "too many requests wait for a thread of the pool", peer, request,
              CHIO_E_BUSY);
}
