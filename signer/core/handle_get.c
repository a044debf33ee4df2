/* OBJECT_GET. */
#include "signer/core/call.h"
#include "signer/core/value.h"
#include "signer/wire/attribute.h"

#define REPLY_MAX (CHIO_BODY_MAX - 8192u) /* bytes of all attributes: the field's limit */

struct gathering {
  struct chio_buf *attributes;
  struct chio_buf *holder; /* of values that are made on the spot */
  uint8_t sensitive[4u * CHIO_ATTRS_COUNT_MAX];
  size_t sensitive_len;
  uint8_t missing[4u * CHIO_ATTRS_COUNT_MAX];
  size_t missing_len;
};

static void note_type(uint8_t *list, size_t *len, uint32_t type) {
  for (size_t i = 0; i < 4; i++) list[(*len)++] = (uint8_t)(type >> (8 * i));
}

static void gather_all(const struct chio_object *object, struct gathering *g) {
  struct chio_attrs_iter it = chio_attrs_iter(object->attrs);
  struct chio_attr attr;
  while (chio_attrs_next(&it, &attr)) {
    const struct chio_attribute *row = chio_attribute_find(attr.type);
    if (row == NULL || (row->rules & CHIO_ATTR_LARGE) != 0 || attr.value.len > CHIO_ATTR_SMALL) continue;
    chio_attrs_add(g->attributes, attr.type, attr.value);
  }
}

static enum chio_err gather_one(struct chio_call *call, const struct chio_object *object, uint32_t type,
                                struct gathering *g) {
  enum chio_value found;
  struct chio_slice value;
  enum chio_err err = chio_value_of(call->core->evidence, object, type, g->holder, &found, &value);
  if (err != CHIO_OK)
    return chio_fail(&call->detail, err, "the evidence of '%s' cannot be read: %s", object->label, chio_err_text(err));
  if (found == CHIO_VALUE_SENSITIVE) note_type(g->sensitive, &g->sensitive_len, type);
  if (found == CHIO_VALUE_MISSING) note_type(g->missing, &g->missing_len, type);
  if (found == CHIO_VALUE_THERE) chio_attrs_add(g->attributes, type, value);
  if (g->attributes->len > REPLY_MAX)
    return chio_fail(&call->detail, CHIO_E_TOO_LONG, "the attributes asked for do not fit one reply");
  return CHIO_OK;
}

static enum chio_err gather(struct chio_call *call, const struct chio_object *object, struct chio_slice types,
                            struct gathering *g) {
  struct chio_cursor c = chio_cursor(types);
  uint32_t type;
  if (types.len % 4 != 0) return chio_fail(&call->detail, CHIO_E_MALFORMED, "the list of types is cut");
  chio_attrs_begin(g->attributes);
  if (types.len == 0) gather_all(object, g);
  while (chio_cursor_u32le(&c, &type) == CHIO_OK) {
    enum chio_err err = gather_one(call, object, type, g);
    if (err != CHIO_OK) return err;
  }
  return chio_buf_err(g->attributes);
}

/* The two lists go behind the attributes, so that all three live in the scratch buffer. */
static enum chio_err hand_over(const struct gathering *g, struct chio_object_get_reply *r) {
  struct chio_buf *out = g->attributes;
  size_t attributes_len = out->len;
  chio_buf_append(out, g->sensitive, g->sensitive_len);
  chio_buf_append(out, g->missing, g->missing_len);
  enum chio_err err = chio_buf_err(out);
  if (err != CHIO_OK) return err;
  r->attributes.raw = chio_slice(out->data, attributes_len);
  r->sensitive = chio_slice(out->data + attributes_len, g->sensitive_len);
  r->missing = chio_slice(out->data + attributes_len + g->sensitive_len, g->missing_len);
  return CHIO_OK;
}

enum chio_err chio_handle_object_get(struct chio_call *call, const void *request, void *reply) {
  const struct chio_object_get_request *q = request;
  CHIO_AUTO(chio_object) struct chio_object *object = NULL;
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  if (holder == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = chio_call_enter(call, q->slot, q->ticket);
  if (err == CHIO_OK) err = chio_call_object(call, &q->object, &object);
  if (err != CHIO_OK) return err;
  struct gathering g;
  g.attributes = chio_call_scratch(call);
  g.holder = holder;
  g.sensitive_len = 0;
  g.missing_len = 0;
  err = gather(call, object, q->types, &g);
  return err != CHIO_OK ? err : hand_over(&g, reply);
}
