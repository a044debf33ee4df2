/*
 * Frames to a connection of a real core. The core is read-only and holds one token with one key pair, so that what one
 * input does cannot change what the next one meets: session objects end with the connection.
 *
 * An input is a row of requests: u8 message number, u8 tricks, u16le length, body. Tricks put in what no fuzzer
 * guesses: 1 inserts the user's ticket after the first 4 bytes, 2 or 4 write the private or the public key's name over
 * the first 16 zero bytes, 8 puts an empty ticket behind the first (SIGN has two).
 */
#include "signer/base/log.h"
#include "signer/core/core.h"
#include "signer/wire/cryptoki.h"
#include "signer/wire/mechanism.h"
#include "signer/wire/message.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/temp_dir.h"

#define REQUESTS_MAX 64u
#define TRICK_TICKET 1u
#define TRICK_PRIVATE 2u
#define TRICK_PUBLIC 4u
#define TRICK_CONTEXT 8u

static struct chio_core *core;
static struct temp_dir dir;
static uint8_t ticket[CHIO_TICKET_MAX];
static size_t ticket_len;
static struct chio_key_pair_reply keys;

static struct chio_conn *greeted(void) {
  struct chio_conn *conn;
  struct chio_peer peer = {.uid = 1000};
  struct chio_buf frame = CHIO_BUF_INIT;
  struct chio_buf out = CHIO_BUF_INIT;
  struct chio_frame_header header;
  struct chio_hello_request hello = {.version_min = 1, .version_max = 1, .client = {{1}}};
  FUZZ_HOLDS(chio_conn_open(core, &peer, &conn) == CHIO_OK);
  FUZZ_HOLDS(chio_message_request(chio_message_find(CHIO_MSG_HELLO), 1, &hello, &frame) == CHIO_OK);
  FUZZ_HOLDS(chio_frame_decode(chio_slice(frame.data, CHIO_FRAME_HEADER_SIZE), &header) == CHIO_OK);
  FUZZ_HOLDS(chio_conn_dispatch(conn, &header, chio_slice(frame.data + CHIO_FRAME_HEADER_SIZE, header.length), &out) ==
             CHIO_OK);
  chio_buf_clear(&frame);
  chio_buf_clear(&out);
  return conn;
}

static void call(struct chio_conn *conn, uint16_t type, const void *request, void *reply, struct chio_buf *out) {
  const struct chio_message *message = chio_message_find(type);
  struct chio_buf frame = CHIO_BUF_INIT;
  struct chio_frame_header header;
  FUZZ_HOLDS(chio_message_request(message, 1, request, &frame) == CHIO_OK);
  FUZZ_HOLDS(chio_frame_decode(chio_slice(frame.data, CHIO_FRAME_HEADER_SIZE), &header) == CHIO_OK);
  chio_buf_reset(out);
  FUZZ_HOLDS(chio_conn_dispatch(conn, &header, chio_slice(frame.data + CHIO_FRAME_HEADER_SIZE, header.length), out) ==
             CHIO_OK);
  FUZZ_HOLDS(chio_frame_decode(chio_slice(out->data, CHIO_FRAME_HEADER_SIZE), &header) == CHIO_OK);
  FUZZ_HOLDS(header.error == 0);
  if (reply != NULL)
    FUZZ_HOLDS(chio_fields_decode(*message->reply, chio_slice(out->data + CHIO_FRAME_HEADER_SIZE, header.length),
                                  message->reply_size, reply) == CHIO_OK);
  chio_buf_clear(&frame);
}

static void log_in(struct chio_conn *conn, uint32_t user, const char *pin, struct chio_buf *out) {
  struct chio_login_request q = {.user = user, .pin = chio_slice_str(pin)};
  struct chio_login_reply r;
  call(conn, CHIO_MSG_LOGIN, &q, &r, out);
  memcpy(ticket, r.ticket.data, r.ticket.len);
  ticket_len = r.ticket.len;
}

static void make_token(void) {
  static const uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
  struct chio_buf out = CHIO_BUF_INIT;
  struct chio_buf templ = CHIO_BUF_INIT;
  struct chio_buf token = CHIO_BUF_INIT;
  struct chio_conn *conn = greeted();
  struct chio_token_init_request init = {.so_pin = chio_slice_str("12345678"), .label = chio_slice_str("fuzz")};
  call(conn, CHIO_MSG_TOKEN_INIT, &init, NULL, &out);
  log_in(conn, CHIO_USER_SO, "12345678", &out);
  struct chio_pin_init_request pin = {.ticket = chio_slice(ticket, ticket_len), .pin = chio_slice_str("123456")};
  call(conn, CHIO_MSG_PIN_INIT, &pin, NULL, &out);
  log_in(conn, CHIO_USER_USER, "123456", &out);
  chio_attrs_begin(&token);
  chio_attrs_add_bool(&token, CKA_TOKEN, true);
  chio_attrs_begin(&templ);
  chio_attrs_add_bool(&templ, CKA_TOKEN, true);
  chio_attrs_add(&templ, CKA_EC_PARAMS, chio_slice(p256, sizeof p256));
  struct chio_key_pair_request q = {.ticket = chio_slice(ticket, ticket_len),
                                    .mechanism = CHIO_MECH_EC_KEY_PAIR_GEN,
                                    .public_template = chio_attrs_of(&templ),
                                    .private_template = chio_attrs_of(&token)};
  call(conn, CHIO_MSG_KEY_PAIR, &q, &keys, &out);
  chio_conn_close(conn);
  chio_buf_clear(&out);
  chio_buf_clear(&templ);
  chio_buf_clear(&token);
}

static void clean_up(void) {
  struct temp_dir sim;
  chio_core_close(core);
  (void)snprintf(sim.path, sizeof sim.path, "%.240s/sim", dir.path);
  temp_dir_remove(&sim);
  temp_dir_remove(&dir);
}

static void set_up(void) {
  struct chio_core_config config;
  struct chio_detail detail;
  FUZZ_HOLDS(temp_dir_make(&dir));
  chio_log_configure(CHIO_LOG_ERROR, CHIO_LOG_TEXT, 2);
  chio_core_config_default(&config);
  config.state_dir = dir.path;
  config.platform = "sim-tdx";
  config.argon2_ops = 1;
  config.argon2_memory = 8192;
  FUZZ_HOLDS(chio_core_open(&config, &core, &detail) == CHIO_OK);
  make_token();
  chio_core_close(core);
  config.read_only = true;
  FUZZ_HOLDS(chio_core_open(&config, &core, &detail) == CHIO_OK);
  (void)atexit(clean_up);
}

static void put_name(struct chio_buf *body, const struct chio_uid *uid) {
  static const uint8_t zero[CHIO_UID_SIZE];
  uint8_t *at = body->len > 0 ? memmem(body->data, body->len, zero, sizeof zero) : NULL;
  if (at != NULL) memcpy(at, uid->b, CHIO_UID_SIZE);
}

static void build(uint16_t type, struct chio_slice raw, unsigned tricks, struct chio_buf *body) {
  /* Logging out would change what the next input meets. */
  if (type == CHIO_MSG_LOGOUT) tricks = 0;
  size_t head = (tricks & (TRICK_TICKET | TRICK_CONTEXT)) != 0 && raw.len >= 4 ? 4 : raw.len;
  chio_buf_reset(body);
  chio_buf_append(body, raw.data, head);
  if ((tricks & TRICK_TICKET) != 0 && head == 4) {
    chio_buf_append_u32le(body, (uint32_t)ticket_len);
    chio_buf_append(body, ticket, ticket_len);
  }
  if ((tricks & TRICK_CONTEXT) != 0 && head == 4) chio_buf_append_u32le(body, 0);
  chio_buf_append(body, raw.data + head, raw.len - head);
  if ((tricks & TRICK_PRIVATE) != 0) put_name(body, &keys.private_key);
  if ((tricks & TRICK_PUBLIC) != 0) put_name(body, &keys.public_key);
}

/* RSA keys take a second to make, and teach the fuzzer nothing. */
static bool too_slow(uint16_t type, struct chio_slice body) {
  struct chio_key_pair_request q;
  return type == CHIO_MSG_KEY_PAIR && chio_fields_decode(chio_key_pair_request_fields, body, sizeof q, &q) == CHIO_OK &&
         q.mechanism == CHIO_MECH_RSA_PKCS_KEY_PAIR_GEN;
}

/* Every reply is one whole frame whose length is right. */
static void check_reply(const struct chio_buf *out, const struct chio_frame_header *request) {
  struct chio_frame_header header;
  if (out->len == 0) return;
  FUZZ_HOLDS(out->len >= CHIO_FRAME_HEADER_SIZE);
  FUZZ_HOLDS(chio_frame_decode(chio_slice(out->data, CHIO_FRAME_HEADER_SIZE), &header) == CHIO_OK);
  FUZZ_HOLDS(header.length == out->len - CHIO_FRAME_HEADER_SIZE);
  FUZZ_HOLDS(header.type == request->type && header.request_id == request->request_id);
  FUZZ_HOLDS(header.flags == CHIO_FRAME_REPLY);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (core == NULL) set_up();
  struct chio_cursor c = chio_cursor(chio_slice(data, size));
  struct chio_buf body = CHIO_BUF_INIT;
  struct chio_buf out = CHIO_BUF_INIT;
  struct chio_conn *conn = greeted();
  for (uint32_t i = 0; i < REQUESTS_MAX; i++) {
    uint8_t type, tricks;
    uint16_t len;
    struct chio_slice raw;
    if (chio_cursor_u8(&c, &type) != CHIO_OK || chio_cursor_u8(&c, &tricks) != CHIO_OK) break;
    if (chio_cursor_u16le(&c, &len) != CHIO_OK) break;
    if (chio_cursor_bytes(&c, len < c.left ? len : c.left, &raw) != CHIO_OK) break;
    build(type, raw, tricks, &body);
    struct chio_frame_header header = {.length = (uint32_t)body.len, .type = type, .request_id = i};
    if (too_slow(type, chio_buf_slice(&body))) continue;
    chio_buf_reset(&out);
    (void)chio_conn_blocks(conn, &header, chio_buf_slice(&body));
    enum chio_err err = chio_conn_dispatch(conn, &header, chio_buf_slice(&body), &out);
    check_reply(&out, &header);
    if (err != CHIO_OK) break;
  }
  chio_conn_close(conn);
  chio_buf_clear(&body);
  chio_buf_clear(&out);
  return 0;
}
