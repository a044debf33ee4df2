#include "signer/daemon/request_log.h"

#include "signer/base/log.h"
#include "signer/wire/message.h"

#include <stdio.h>

static const char *message_name(uint16_t type) {
  const struct chio_message *message = chio_message_find(type);
  return message != NULL ? message->name : "unknown message";
}

/* What an administrator wants to see without asking: attempts on PINs, and our own troubles. The rest is the
 * application's business. */
static enum chio_log_level level_of(enum chio_err err) {
  switch (err) {
    case CHIO_E_NO_MEMORY:
    case CHIO_E_INTERNAL:
    case CHIO_E_IO:
    case CHIO_E_STORE_CORRUPT:
    case CHIO_E_STORE_FULL:
    case CHIO_E_STORE_READ_ONLY:
    case CHIO_E_SEAL:
    case CHIO_E_PLATFORM: return CHIO_LOG_ERROR;
    case CHIO_E_PIN_INCORRECT:
    case CHIO_E_PIN_LOCKED:
    case CHIO_E_PIN_DELAY:
    case CHIO_E_TRUNCATED:
    case CHIO_E_TRAILING:
    case CHIO_E_TOO_LONG:
    case CHIO_E_MALFORMED:
    case CHIO_E_PROTOCOL:
    case CHIO_E_UNKNOWN_MESSAGE:
    case CHIO_E_BUSY: return CHIO_LOG_NOTICE;
    case CHIO_E_SIGNATURE_INVALID: return CHIO_LOG_DEBUG;
    default: return CHIO_LOG_INFO;
  }
}

static void log_request(enum chio_log_level level, const char *event, const char *sentence,
                        const struct chio_peer *peer, const struct chio_frame_header *request, enum chio_err err) {
  if (!chio_log_enabled(level)) return;
  chio_log(level, event, sentence, CHIO_F_STR("message", message_name(request->type)),
           CHIO_F_UINT("uid", (unsigned long long)peer->uid), CHIO_F_INT("pid", (long long)peer->pid),
           CHIO_F_UINT("request", request->request_id), CHIO_F_STR("error", chio_err_name(err)));
}

static void log_refusal(const struct chio_peer *peer, const struct chio_frame_header *request, enum chio_err err,
                        struct chio_slice text) {
  char sentence[CHIO_DETAIL_MAX + 64];
  if (text.len > CHIO_DETAIL_MAX) text.len = CHIO_DETAIL_MAX;
  (void)snprintf(sentence, sizeof sentence, "peer uid %u: %s: %.*s", (unsigned)peer->uid, message_name(request->type),
                 (int)text.len, text.len > 0 ? (const char *)text.data : "");
  log_request(level_of(err), "request.refused", text.len > 0 ? sentence : chio_err_text(err), peer, request, err);
}

bool chio_request_log_reply(const struct chio_peer *peer, const struct chio_frame_header *request, enum chio_err err,
                            struct chio_slice reply) {
  struct chio_frame_header header = {.error = (uint32_t)err};
  struct chio_slice text = chio_slice(NULL, 0);
  if (reply.len >= CHIO_FRAME_HEADER_SIZE &&
      chio_frame_decode(chio_slice(reply.data, CHIO_FRAME_HEADER_SIZE), &header) == CHIO_OK)
    text = chio_slice(reply.data + CHIO_FRAME_HEADER_SIZE, reply.len - CHIO_FRAME_HEADER_SIZE);
  enum chio_err answer = chio_err_from_wire(header.error);
  if (answer == CHIO_OK) answer = err;
  if (answer != CHIO_OK)
    log_refusal(peer, request, answer, text);
  else
    log_request(CHIO_LOG_DEBUG, "request", "served", peer, request, CHIO_OK);
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
