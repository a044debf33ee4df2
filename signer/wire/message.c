#include "signer/wire/message.h"

static const struct chio_message table[] = {
#define CHIO_MESSAGE(NAME, name, number, flags, request_size, reply_size) \
  {(number), #NAME, (flags), (request_size), (reply_size), &chio_##name##_request_fields, &chio_##name##_reply_fields},
#include "signer/wire/message.def"
#undef CHIO_MESSAGE
};

const struct chio_message *chio_message_find(uint16_t type) {
  if (type >= 1 && type <= CHIO_ARRAY_LEN(table) && table[type - 1].type == type) return &table[type - 1];
  for (size_t i = 0; i < CHIO_ARRAY_LEN(table); i++)
    if (table[i].type == type) return &table[i];
  return NULL;
}

const struct chio_message *chio_message_table(size_t *out_count) {
  *out_count = CHIO_ARRAY_LEN(table);
  return table;
}

static enum chio_err append_frame(const struct chio_frame_header *header, struct chio_fields fields,
                                  const void *message, struct chio_slice text, struct chio_buf *out) {
  size_t start = out->len;
  size_t size = text.len;
  enum chio_err err = CHIO_OK;
  if (message != NULL) err = chio_fields_size(fields, message, &size);
  if (err == CHIO_OK && chio_buf_reserve(out, CHIO_FRAME_HEADER_SIZE + size) == NULL) err = CHIO_E_NO_MEMORY;
  if (err != CHIO_OK) return err;
  chio_frame_encode(header, out);
  if (message != NULL)
    err = chio_fields_encode(fields, message, out);
  else
    chio_buf_append_slice(out, text);
  if (err == CHIO_OK) err = chio_frame_finish(out, start);
  if (err != CHIO_OK) out->len = start;
  return err;
}

enum chio_err chio_message_request(const struct chio_message *message, uint32_t request_id, const void *request,
                                   struct chio_buf *out) {
  struct chio_frame_header header = {.type = message->type, .request_id = request_id};
  return append_frame(&header, *message->request, message->request_size > 0 ? request : NULL, chio_slice(NULL, 0), out);
}

enum chio_err chio_message_reply(const struct chio_message *message, uint32_t request_id, uint64_t generation,
                                 enum chio_err err, const struct chio_detail *detail, const void *reply,
                                 struct chio_buf *out) {
  struct chio_frame_header header = {.type = message->type,
                                     .flags = CHIO_FRAME_REPLY,
                                     .request_id = request_id,
                                     .error = (uint32_t)err,
                                     .generation = generation};
  bool has_body = err == CHIO_OK && message->reply_size > 0;
  struct chio_slice text = chio_slice_str(err != CHIO_OK && detail != NULL ? detail->text : NULL);
  /* An unknown message, which is answered too, has no fields. */
  struct chio_fields none = CHIO_FIELDS_NONE;
  return append_frame(&header, has_body ? *message->reply : none, has_body ? reply : NULL, text, out);
}
