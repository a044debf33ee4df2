#include "tests/unit/core_rig.h"

static const uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static const uint8_t ed25519[] = {0x06, 0x03, 0x2b, 0x65, 0x70};
const struct chio_slice rig_oid_p256 = {p256, sizeof p256};
const struct chio_slice rig_oid_ed25519 = {ed25519, sizeof ed25519};

void rig_start(struct rig *rig) {
  enum chio_err err = chio_core_open(&rig->config, &rig->core, &rig->detail);
  if (err != CHIO_OK) print_error("%s: %s\n", chio_err_name(err), rig->detail.text);
  assert_int_equal(err, CHIO_OK);
  rig->conn = rig_connect(rig, 1);
}

void rig_prepare(struct rig *rig) {
  memset(rig, 0, sizeof *rig);
  assert_true(temp_dir_make(&rig->dir));
  chio_core_config_default(&rig->config);
  rig->config.state_dir = rig->dir.path;
  rig->config.platform = "sim-tdx";
  rig->config.slots = 2;
  rig->config.argon2_ops = 1;
  rig->config.argon2_memory = 64 * 1024;
}

void rig_open(struct rig *rig) {
  rig_prepare(rig);
  rig_start(rig);
}

static void close_core(struct rig *rig) {
  chio_conn_close(rig->conn);
  chio_core_close(rig->core);
}

void rig_close(struct rig *rig) {
  struct temp_dir sim;
  close_core(rig);
  chio_buf_clear(&rig->out);
  (void)snprintf(sim.path, sizeof sim.path, "%.240s/sim", rig->dir.path);
  temp_dir_remove(&sim);
  temp_dir_remove(&rig->dir);
}

void rig_restart(struct rig *rig) {
  close_core(rig);
  rig_start(rig);
}

static enum chio_err dispatch(struct rig *rig, struct chio_conn *conn, const struct chio_buf *frame) {
  struct chio_frame_header header;
  struct chio_slice bytes = chio_buf_slice(frame);
  assert_int_equal(chio_frame_decode(chio_slice(bytes.data, CHIO_FRAME_HEADER_SIZE), &header), CHIO_OK);
  struct chio_slice body = chio_slice(bytes.data + CHIO_FRAME_HEADER_SIZE, bytes.len - CHIO_FRAME_HEADER_SIZE);
  chio_buf_reset(&rig->out);
  (void)chio_conn_blocks(conn, &header, body);
  return chio_conn_dispatch(conn, &header, body, &rig->out);
}

static enum chio_err read_reply(struct rig *rig, const struct chio_message *message, void *reply) {
  struct chio_frame_header header;
  struct chio_slice bytes = chio_buf_slice(&rig->out);
  assert_true(bytes.len >= CHIO_FRAME_HEADER_SIZE);
  assert_int_equal(chio_frame_decode(chio_slice(bytes.data, CHIO_FRAME_HEADER_SIZE), &header), CHIO_OK);
  struct chio_slice body = chio_slice(bytes.data + CHIO_FRAME_HEADER_SIZE, bytes.len - CHIO_FRAME_HEADER_SIZE);
  assert_int_equal(header.type, message->type);
  assert_int_equal(header.request_id, rig->next_id);
  assert_int_equal(header.length, body.len);
  rig->generation = header.generation;
  rig->detail.text[0] = '\0';
  if (header.error != 0) {
    assert_true(body.len < CHIO_DETAIL_MAX);
    (void)snprintf(rig->detail.text, sizeof rig->detail.text, "%.*s", (int)body.len, (const char *)body.data);
    return (enum chio_err)header.error;
  }
  if (reply != NULL) assert_int_equal(chio_fields_decode(*message->reply, body, message->reply_size, reply), CHIO_OK);
  return CHIO_OK;
}

enum chio_err rig_call(struct rig *rig, struct chio_conn *conn, uint16_t type, const void *request, void *reply) {
  const struct chio_message *message = chio_message_find(type);
  struct chio_buf frame = CHIO_BUF_INIT;
  assert_int_equal(chio_message_request(message, ++rig->next_id, request, &frame), CHIO_OK);
  enum chio_err err = dispatch(rig, conn, &frame);
  chio_buf_clear(&frame);
  if ((message->flags & CHIO_MESSAGE_NO_REPLY) != 0) {
    assert_int_equal(rig->out.len, 0);
    return err;
  }
  if (err != CHIO_OK && rig->out.len == 0) return err;
  enum chio_err answered = read_reply(rig, message, reply);
  return err != CHIO_OK ? err : answered;
}

struct chio_conn *rig_connect(struct rig *rig, uint8_t n) {
  struct chio_conn *conn;
  struct chio_peer peer = {.uid = 1000, .gid = 1000, .pid = 4711};
  struct chio_hello_request hello = {.version_min = 1, .version_max = 1, .client = {{n}}};
  struct chio_hello_reply reply;
  assert_int_equal(chio_conn_open(rig->core, &peer, &conn), CHIO_OK);
  assert_int_equal(rig_call(rig, conn, CHIO_MSG_HELLO, &hello, &reply), CHIO_OK);
  return conn;
}

struct chio_slice rig_ticket(const struct rig_ticket *ticket) {
  return ticket != NULL ? chio_slice(ticket->bytes, ticket->len) : chio_slice(NULL, 0);
}

void rig_login(struct rig *rig, uint32_t user, const char *pin, struct rig_ticket *out_ticket) {
  struct chio_login_request q = {.user = user, .pin = chio_slice_str(pin)};
  struct chio_login_reply r;
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_LOGIN, &q, &r), CHIO_OK);
  memcpy(out_ticket->bytes, r.ticket.data, r.ticket.len);
  out_ticket->len = r.ticket.len;
}

void rig_token(struct rig *rig) {
  struct rig_ticket so;
  struct chio_token_init_request init = {.so_pin = chio_slice_str(RIG_SO_PIN), .label = chio_slice_str("test")};
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_TOKEN_INIT, &init, NULL), CHIO_OK);
  rig_login(rig, CHIO_USER_SO, RIG_SO_PIN, &so);
  struct chio_pin_init_request pin = {.ticket = rig_ticket(&so), .pin = chio_slice_str(RIG_USER_PIN)};
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_PIN_INIT, &pin, NULL), CHIO_OK);
  rig_login(rig, CHIO_USER_USER, RIG_USER_PIN, &rig->user);
}

enum chio_err rig_key_pair(struct rig *rig, uint32_t mechanism, const struct chio_buf *public_template,
                           const struct chio_buf *private_template, struct chio_uid *out_public,
                           struct chio_uid *out_private) {
  struct chio_key_pair_request q = {.ticket = rig_ticket(&rig->user), .session = 1, .mechanism = mechanism};
  struct chio_key_pair_reply r;
  if (public_template != NULL) q.public_template = chio_attrs_of(public_template);
  if (private_template != NULL) q.private_template = chio_attrs_of(private_template);
  enum chio_err err = rig_call(rig, rig->conn, CHIO_MSG_KEY_PAIR, &q, &r);
  if (err != CHIO_OK) return err;
  if (out_public != NULL) *out_public = r.public_key;
  if (out_private != NULL) *out_private = r.private_key;
  return CHIO_OK;
}

void rig_p256(struct rig *rig, const char *label, struct chio_uid *out_public, struct chio_uid *out_private) {
  struct chio_buf pub = CHIO_BUF_INIT;
  struct chio_buf prv = CHIO_BUF_INIT;
  chio_attrs_begin(&pub);
  chio_attrs_add(&pub, CKA_EC_PARAMS, rig_oid_p256);
  chio_attrs_add_bool(&pub, CKA_TOKEN, true);
  chio_attrs_add(&pub, CKA_LABEL, chio_slice_str(label));
  chio_attrs_begin(&prv);
  chio_attrs_add_bool(&prv, CKA_TOKEN, true);
  chio_attrs_add(&prv, CKA_LABEL, chio_slice_str(label));
  enum chio_err err = rig_key_pair(rig, CHIO_MECH_EC_KEY_PAIR_GEN, &pub, &prv, out_public, out_private);
  if (err != CHIO_OK) print_error("%s\n", rig->detail.text);
  assert_int_equal(err, CHIO_OK);
  chio_buf_clear(&pub);
  chio_buf_clear(&prv);
}

bool rig_get(struct rig *rig, const struct chio_uid *object, uint32_t type, struct chio_slice *out_value) {
  uint8_t raw[4] = {(uint8_t)type, (uint8_t)(type >> 8), (uint8_t)(type >> 16), (uint8_t)(type >> 24)};
  struct chio_object_get_request q = {
      .ticket = rig_ticket(&rig->user), .object = *object, .types = chio_slice(raw, sizeof raw)};
  struct chio_object_get_reply r;
  if (rig_call(rig, rig->conn, CHIO_MSG_OBJECT_GET, &q, &r) != CHIO_OK) return false;
  return chio_attrs_find(r.attributes, type, out_value);
}

enum chio_err rig_sign(struct rig *rig, const struct chio_uid *key, uint32_t mechanism, struct chio_slice data,
                       struct chio_slice *out_signature) {
  struct chio_sign_request q = {.ticket = rig_ticket(&rig->user), .key = *key, .mechanism = mechanism, .data = data};
  struct chio_sign_reply r;
  enum chio_err err = rig_call(rig, rig->conn, CHIO_MSG_SIGN, &q, &r);
  if (err == CHIO_OK && out_signature != NULL) *out_signature = r.signature;
  return err;
}

size_t rig_count(struct rig *rig, struct chio_conn *conn, const struct rig_ticket *ticket,
                 const struct chio_buf *templ) {
  struct chio_object_find_request q = {.ticket = rig_ticket(ticket), .max = CHIO_FIND_MAX};
  struct chio_object_find_reply r;
  size_t count = 0;
  if (templ != NULL) q.templ = chio_attrs_of(templ);
  do {
    assert_int_equal(rig_call(rig, conn, CHIO_MSG_OBJECT_FIND, &q, &r), CHIO_OK);
    count += r.objects.len / CHIO_UID_SIZE;
    q.cursor = r.cursor;
  } while (q.cursor != 0);
  return count;
}
