#include "signer/wire/backend_message.h"

static const struct chio_message table[] = {
#define CHIO_BACKEND_MESSAGE(NAME, name, number, flags, request_size, reply_size) \
  {(number), #NAME, (flags), (request_size), (reply_size), \
   &chio_backend_##name##_request_fields, &chio_backend_##name##_reply_fields},
#include "signer/wire/backend.def"
#undef CHIO_BACKEND_MESSAGE
};

const struct chio_message *chio_backend_message_find(uint16_t type) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(table); i++)
    if (table[i].type == type) return &table[i];
  return NULL;
}

const struct chio_message *chio_backend_message_table(size_t *out_count) {
  *out_count = CHIO_ARRAY_LEN(table);
  return table;
}
