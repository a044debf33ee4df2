#include "signer/daemon/reader.h"
#include "signer/wire/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#define SCRATCH 64u

static uint8_t scratch[SCRATCH];

/* A frame of that type whose body is size bytes of the letter. */
static void add_frame(struct chio_buf *out, uint16_t type, size_t size, char letter) {
  const struct chio_frame_header header = {.length = (uint32_t)size, .type = type, .request_id = (uint32_t)letter};
  chio_frame_encode(&header, out);
  for (size_t i = 0; i < size; i++) chio_buf_append_u8(out, (uint8_t)letter);
}

/* Hands the reader at most `most` of the bytes, as a socket does. */
static size_t feed(struct chio_reader *r, const uint8_t *bytes, size_t len, size_t most) {
  uint8_t *room;
  size_t size;
  assert_int_equal(chio_reader_room(r, scratch, sizeof scratch, &room, &size), CHIO_OK);
  assert_true(size > 0);
  if (size > most) size = most;
  if (size > len) size = len;
  memcpy(room, bytes, size);
  chio_reader_received(r, size);
  return size;
}

static bool next_is(struct chio_reader *r, uint16_t type, size_t size, char letter) {
  struct chio_frame_header header;
  struct chio_slice body;
  bool complete;
  if (chio_reader_peek(r, &header, &body, &complete) != CHIO_OK || !complete) return false;
  bool same = header.type == type && body.len == size && header.request_id == (uint32_t)letter;
  for (size_t i = 0; same && i < size; i++) same = body.data[i] == (uint8_t)letter;
  chio_reader_skip(r, true);
  return same;
}

static bool nothing_complete(struct chio_reader *r) {
  struct chio_frame_header header;
  struct chio_slice body;
  bool complete;
  return chio_reader_peek(r, &header, &body, &complete) == CHIO_OK && !complete;
}

/* The frames come out whole and in order, whatever the pieces in which they arrive, and whether or not the thread turns
 * to others in between. */
static void frames_survive_any_cut(void **state) {
  (void)state;
  struct chio_buf stream = CHIO_BUF_INIT;
  add_frame(&stream, CHIO_MSG_SIGN, 10, 'a');
  add_frame(&stream, CHIO_MSG_STATUS, 0, 'b');
  add_frame(&stream, CHIO_MSG_LOGIN, 200, 'c');
  add_frame(&stream, CHIO_MSG_STREAM_DATA, 5000, 'd');
  add_frame(&stream, CHIO_MSG_SIGN, 1, 'e');
  static const struct {
    uint16_t type;
    size_t size;
    char letter;
  } expected[] = {{CHIO_MSG_SIGN, 10, 'a'},
                  {CHIO_MSG_STATUS, 0, 'b'},
                  {CHIO_MSG_LOGIN, 200, 'c'},
                  {CHIO_MSG_STREAM_DATA, 5000, 'd'},
                  {CHIO_MSG_SIGN, 1, 'e'}};
  for (size_t most = 1; most < 300; most++) {
    struct chio_reader_budget budget = {.max = 1u << 20};
    struct chio_reader r;
    chio_reader_init(&r, &budget);
    size_t seen = 0;
    for (size_t at = 0; at < stream.len;) {
      at += feed(&r, stream.data + at, stream.len - at, most);
      while (!nothing_complete(&r)) {
        assert_true(seen < CHIO_ARRAY_LEN(expected));
        assert_true(next_is(&r, expected[seen].type, expected[seen].size, expected[seen].letter));
        seen++;
      }
      if (most % 2 == 0) assert_int_equal(chio_reader_settle(&r), CHIO_OK);
    }
    assert_int_equal(seen, CHIO_ARRAY_LEN(expected));
    assert_false(chio_reader_in_frame(&r));
    chio_reader_clear(&r);
    assert_int_equal(atomic_load(&budget.used), 0);
  }
  chio_buf_clear(&stream);
}

static void what_waits_leaves_nothing_in_the_scratch(void **state) {
  (void)state;
  static const uint8_t zeros[SCRATCH];
  struct chio_reader_budget budget = {.max = 1u << 20};
  struct chio_buf stream = CHIO_BUF_INIT;
  struct chio_reader r;
  chio_reader_init(&r, &budget);
  add_frame(&stream, CHIO_MSG_LOGIN, 20, 'p');
  memset(scratch, 0, sizeof scratch);
  (void)feed(&r, stream.data, stream.len, SCRATCH);
  assert_int_equal(chio_reader_settle(&r), CHIO_OK);
  assert_memory_equal(scratch, zeros, SCRATCH);
  assert_true(next_is(&r, CHIO_MSG_LOGIN, 20, 'p'));
  chio_reader_clear(&r);
  chio_buf_clear(&stream);
}

static void the_budget_holds(void **state) {
  (void)state;
  struct chio_reader_budget budget = {.max = 1500};
  struct chio_buf stream = CHIO_BUF_INIT;
  struct chio_reader first;
  struct chio_reader second;
  chio_reader_init(&first, &budget);
  chio_reader_init(&second, &budget);
  add_frame(&stream, CHIO_MSG_SIGN, 1000, 'x');
  (void)feed(&first, stream.data, 30, 30);
  assert_int_equal(chio_reader_settle(&first), CHIO_OK);
  assert_int_equal(atomic_load(&budget.used), 1024);
  (void)feed(&second, stream.data, 30, 30);
  assert_int_equal(chio_reader_settle(&second), CHIO_E_BUSY);
  assert_int_equal(atomic_load(&budget.used), 1024);
  chio_reader_clear(&second);
  chio_reader_clear(&first);
  assert_int_equal(atomic_load(&budget.used), 0);
  chio_buf_clear(&stream);
}

static void a_header_is_judged_before_its_body_is_waited_for(void **state) {
  (void)state;
  static const struct {
    uint32_t length;
    uint16_t flags;
    enum chio_err err;
  } rows[] = {{CHIO_BODY_MAX + 1, 0, CHIO_E_TOO_LONG},
              {UINT32_MAX, 0, CHIO_E_TOO_LONG},
              {0, CHIO_FRAME_REPLY, CHIO_E_PROTOCOL},
              {0, 0x8000, CHIO_E_PROTOCOL},
              {CHIO_BODY_MAX, 0, CHIO_OK}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_reader_budget budget = {.max = 1u << 21};
    struct chio_buf stream = CHIO_BUF_INIT;
    struct chio_reader r;
    struct chio_frame_header header = {
        .length = rows[i].length, .type = 7, .flags = rows[i].flags, .request_id = 9};
    struct chio_slice body;
    bool complete;
    chio_reader_init(&r, &budget);
    chio_frame_encode(&header, &stream);
    (void)feed(&r, stream.data, stream.len, SCRATCH);
    assert_int_equal(chio_reader_peek(&r, &header, &body, &complete), rows[i].err);
    assert_false(complete);
    chio_reader_refused_header(&r, &header);
    assert_int_equal(header.type, 7);
    assert_int_equal(header.request_id, 9);
    chio_reader_clear(&r);
    chio_buf_clear(&stream);
  }
}

static void a_refused_header_is_not_read_over(void **state) {
  (void)state;
  struct chio_reader_budget budget = {.max = 1u << 20};
  struct chio_reader r;
  uint8_t bad[CHIO_FRAME_HEADER_SIZE] = {0, 0, 0, 0, 1, 0, 1};
  uint8_t *room;
  size_t len;
  chio_reader_init(&r, &budget);
  (void)feed(&r, bad, sizeof bad, SCRATCH);
  assert_int_equal(chio_reader_room(&r, scratch, sizeof scratch, &room, &len), CHIO_E_INTERNAL);
  chio_reader_clear(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(frames_survive_any_cut),
      cmocka_unit_test(what_waits_leaves_nothing_in_the_scratch),
      cmocka_unit_test(the_budget_holds),
      cmocka_unit_test(a_header_is_judged_before_its_body_is_waited_for),
      cmocka_unit_test(a_refused_header_is_not_read_over),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
