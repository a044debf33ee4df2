/* nitro through /dev/nsm, with an ioctl of our own; requests are read and documents written by libcbor. */
#include "attest/hardware.h"
#include "attest/nitro.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include <cbor.h>
#include <cmocka.h>

/* How the fake module behaves. */
static struct {
  unsigned busy, times;  /* refusals to come; calls seen */
  int fails_with;        /* errno of every call */
  const char *error;     /* answered in place of a document */
  bool other_data, no_document, cut, trailing, nothing, endless, garbage;
  size_t key_asked, key_len; /* bytes of the public key asked for, and of the one in the document */
} module;

static cbor_item_t *text(const char *s) {
  return cbor_move(cbor_build_string(s));
}

static void add(cbor_item_t *map, cbor_item_t *key, cbor_item_t *value) {
  assert_true(cbor_map_add(map, (struct cbor_pair){key, cbor_move(value)}));
}

static cbor_item_t *serialized(cbor_item_t *item) {
  unsigned char *bytes;
  size_t size, len = cbor_serialize_alloc(item, &bytes, &size);
  assert_true(len > 0);
  cbor_item_t *out = cbor_build_bytestring(bytes, len);
  free(bytes);
  cbor_decref(&item);
  return out;
}

static cbor_item_t *filled(uint8_t value, size_t len) {
  uint8_t bytes[CHIO_NITRO_CERT_MAX];
  memset(bytes, value, len);
  return cbor_build_bytestring(bytes, len);
}

static cbor_item_t *payload(const uint8_t *user_data, size_t len) {
  cbor_item_t *map = cbor_new_definite_map(9), *pcrs = cbor_new_definite_map(16), *bundle = cbor_new_definite_array(1);
  for (uint8_t i = 0; i < 16; i++) add(pcrs, cbor_move(cbor_build_uint8(i)), filled((uint8_t)(0x5a + i), 48));
  assert_true(cbor_array_push(bundle, cbor_move(filled(0x30, 300))));
  add(map, text("module_id"), cbor_build_string("i-0123456789abcdef0-enc0123456789abcdef"));
  add(map, text("digest"), cbor_build_string("SHA384"));
  add(map, text("timestamp"), cbor_build_uint64(1700000000000));
  add(map, text("pcrs"), pcrs);
  add(map, text("certificate"), filled(0x30, 300));
  add(map, text("cabundle"), bundle);
  add(map, text("public_key"), module.key_len > 0 ? filled(0x30, module.key_len) : cbor_new_null());
  add(map, text("user_data"), cbor_build_bytestring(user_data, len));
  add(map, text("nonce"), cbor_new_null());
  return serialized(map);
}

static cbor_item_t *document(const uint8_t *user_data, size_t len) {
  static const uint8_t es384[] = {0xa1, 0x01, 0x38, 0x22};
  cbor_item_t *cose = cbor_new_definite_array(4);
  assert_true(cbor_array_push(cose, cbor_move(cbor_build_bytestring(es384, sizeof es384))));
  assert_true(cbor_array_push(cose, cbor_move(cbor_new_definite_map(0))));
  assert_true(cbor_array_push(cose, cbor_move(payload(user_data, len))));
  assert_true(cbor_array_push(cose, cbor_move(filled(0x77, 96))));
  return serialized(cose);
}

/* The value of a text key, borrowed. */
static cbor_item_t *value_of(const cbor_item_t *map, const char *key) {
  for (size_t i = 0; i < cbor_map_size(map); i++) {
    struct cbor_pair pair = cbor_map_handle(map)[i];
    if (cbor_isa_string(pair.key) && cbor_string_length(pair.key) == strlen(key) &&
        memcmp(cbor_string_handle(pair.key), key, strlen(key)) == 0)
      return pair.value;
  }
  fail_msg("the request has no %s", key);
  return NULL;
}

static cbor_item_t *answer(const cbor_item_t *request) {
  cbor_item_t *reply = cbor_new_definite_map(1), *inner = cbor_new_definite_map(1);
  cbor_item_t *asked = value_of(request, "Attestation"), *user_data = value_of(asked, "user_data");
  assert_true(cbor_is_null(value_of(asked, "nonce")));
  cbor_item_t *key = value_of(asked, "public_key");
  assert_true(module.key_asked == 0 ? cbor_is_null(key) : cbor_bytestring_length(key) == module.key_asked);
  assert_int_equal(cbor_bytestring_length(user_data), CHIO_REPORT_DATA_SIZE);
  uint8_t data[CHIO_REPORT_DATA_SIZE];
  memcpy(data, cbor_bytestring_handle(user_data), sizeof data);
  if (module.other_data) data[63] ^= 1;
  if (module.error != NULL) {
    cbor_decref(&inner);
    add(reply, text("Error"), cbor_build_string(module.error));
    return reply;
  }
  add(inner, text(module.no_document ? "random" : "document"),
      module.garbage ? filled(0x84, 100) : document(data, sizeof data));
  add(reply, text("Attestation"), inner);
  return reply;
}

static int fake_ioctl(int fd, unsigned long request, void *arg) {
  struct chio_nsm_raw *raw = arg;
  struct cbor_load_result result;
  (void)fd;
  module.times++;
  assert_int_equal(request, CHIO_NSM_RAW);
  assert_true(raw->request_len <= CHIO_NSM_REQUEST_MAX && raw->response_len == CHIO_NSM_RESPONSE_MAX);
  errno = module.fails_with;
  if (module.fails_with != 0) return -1;
  errno = EAGAIN;
  if (module.busy > 0 && module.busy--) return -1;
  cbor_item_t *item = cbor_load((const uint8_t *)(uintptr_t)raw->request, raw->request_len, &result);
  assert_non_null(item);
  assert_int_equal(result.read, raw->request_len);
  cbor_item_t *reply = answer(item);
  raw->response_len = cbor_serialize(reply, (uint8_t *)(uintptr_t)raw->response, CHIO_NSM_RESPONSE_MAX);
  cbor_decref(&item);
  cbor_decref(&reply);
  if (module.cut) raw->response_len--;
  if (module.trailing) raw->response_len++;
  if (module.nothing) raw->response_len = 0;
  if (module.endless) raw->response_len = CHIO_NSM_RESPONSE_MAX + 1;
  return 0;
}

static int reset(void **state) {
  (void)state;
  memset(&module, 0, sizeof module);
  return 0;
}

static enum chio_err quote(struct chio_detail *detail) {
  struct chio_nsm source = {.path = "/dev/null", .call = fake_ioctl};
  uint8_t data[CHIO_REPORT_DATA_SIZE], measurement[CHIO_MEASUREMENT_MAX], pcr0[48];
  struct chio_buf out = CHIO_BUF_INIT;
  void *self = NULL;
  size_t len = 0;
  memset(pcr0, 0x5a, sizeof pcr0);
  for (unsigned i = 0; i < sizeof data; i++) data[i] = (uint8_t)(100 + i);
  assert_int_equal(chio_nitro_open(&source, &self, detail), CHIO_OK);
  enum chio_err err = chio_platform_nitro.quote(self, data, &out, detail);
  chio_platform_nitro.close(self);
  if (err == CHIO_OK) {
    assert_int_equal(chio_platform_nitro.measurement(chio_buf_slice(&out), measurement, &len), CHIO_OK);
    assert_int_equal(len, sizeof pcr0);
    assert_memory_equal(measurement, pcr0, sizeof pcr0);
  } else {
    assert_int_equal(out.len, 0);
  }
  chio_buf_clear(&out);
  return err;
}

/* A document that names a key. */
static enum chio_err quote_for(size_t key_len, struct chio_detail *detail) {
  struct chio_nsm source = {.path = "/dev/null", .call = fake_ioctl};
  uint8_t data[CHIO_REPORT_DATA_SIZE] = {1}, key[400];
  struct chio_buf out = CHIO_BUF_INIT;
  void *self = NULL;
  memset(key, 0x30, sizeof key);
  assert_int_equal(chio_nitro_open(&source, &self, detail), CHIO_OK);
  enum chio_err err = chio_platform_nitro.quote_for(self, data, chio_slice(key, key_len), &out, detail);
  chio_platform_nitro.close(self);
  chio_buf_clear(&out);
  return err;
}

static void a_document_names_the_key_that_was_asked_for_and_no_other(void **state) {
  struct chio_detail detail = {""};
  (void)state;
  module.key_asked = module.key_len = 294;
  if (quote_for(294, &detail) != CHIO_OK) fail_msg("%s", detail.text);
  module.key_len = 293;
  assert_int_equal(quote_for(294, &detail), CHIO_E_PLATFORM);
  assert_non_null(strstr(detail.text, "another key"));
  module.key_len = 0;
  assert_int_equal(quote_for(294, &detail), CHIO_E_PLATFORM);
  module.key_asked = 0;
  module.key_len = 294;
  assert_int_equal(quote(&detail), CHIO_E_PLATFORM);
}

static void the_ioctl_is_the_kernels(void **state) {
  struct iovec_of_nsm { uint64_t addr, len; };
  struct nsm_raw { struct iovec_of_nsm request, response; };
  (void)state;
  assert_int_equal(CHIO_NSM_RAW, _IOWR(0x0a, 0x0, struct nsm_raw));
  assert_int_equal(sizeof(struct chio_nsm_raw), sizeof(struct nsm_raw));
}

static void a_document_holds_the_report_data(void **state) {
  struct chio_detail detail = {""};
  (void)state;
  if (quote(&detail) != CHIO_OK) fail_msg("%s", detail.text);
  module.busy = CHIO_NSM_TRIES - 1;
  assert_int_equal(quote(&detail), CHIO_OK);
}

static void a_module_that_is_busy_for_ever_ends_it(void **state) {
  struct chio_detail detail = {""};
  (void)state;
  module.busy = 1000;
  assert_int_equal(quote(&detail), CHIO_E_PLATFORM);
  assert_int_equal(module.times, CHIO_NSM_TRIES);
}

static void error_codes_are_named(void **state) {
  static const char *const errors[] = {"InvalidArgument",  "InvalidIndex",   "InvalidResponse", "ReadOnlyIndex",
                                       "InvalidOperation", "BufferTooSmall", "InputTooLarge",   "InternalError"};
  struct chio_detail detail = {""};
  (void)state;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(errors); i++) {
    module.error = errors[i];
    assert_int_equal(quote(&detail), CHIO_E_PLATFORM);
    assert_non_null(strstr(detail.text, errors[i]));
  }
  module.error = "not\na word";
  assert_int_equal(quote(&detail), CHIO_E_PLATFORM);
  assert_null(strchr(detail.text, '\n'));
  module.error = NULL;
  module.fails_with = EIO;
  assert_int_equal(quote(&detail), CHIO_E_PLATFORM);
  assert_non_null(strstr(detail.text, "Input/output error"));
  module.fails_with = EACCES;
  assert_int_equal(quote(&detail), CHIO_E_PERMISSION);
}

static void a_reply_that_is_none_is_refused(void **state) {
  bool *const wrongs[] = {&module.other_data, &module.no_document, &module.cut,    &module.trailing,
                          &module.nothing,    &module.endless,     &module.garbage};
  struct chio_detail detail = {""};
  (void)state;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(wrongs); i++) {
    *wrongs[i] = true;
    if (quote(&detail) != CHIO_E_PLATFORM) fail_msg("wrong %zu is accepted", i);
    *wrongs[i] = false;
  }
  assert_int_equal(quote(&detail), CHIO_OK);
  module.endless = true;
  assert_int_equal(quote(&detail), CHIO_E_PLATFORM);
  assert_non_null(strstr(detail.text, "a reply of 12289 bytes"));
}

static void every_shorter_reply_is_refused(void **state) {
  static const uint8_t reply[] = {0xa1, 0x6b, 'A', 't', 't', 'e', 's', 't', 'a', 't', 'i', 'o', 'n', 0xa1, 0x68, 'd',
                                  'o',  'c',  'u', 'm', 'e', 'n', 't', 0x43, 1,  2,   3};
  struct chio_detail detail = {""};
  struct chio_slice found = {NULL, 0};
  (void)state;
  for (size_t len = 0; len < sizeof reply; len++)
    assert_int_equal(chio_nsm_reply(chio_slice(reply, len), &found, &detail), CHIO_E_PLATFORM);
  assert_null(found.data);
  assert_int_equal(chio_nsm_reply(chio_slice(reply, sizeof reply), &found, &detail), CHIO_OK);
  assert_ptr_equal(found.data, reply + sizeof reply - 3);
  assert_int_equal(found.len, 3);
}

static void no_device_is_said(void **state) {
  struct chio_nsm source = {.path = "/nonexistent/nsm", .call = fake_ioctl};
  struct chio_detail detail = {""};
  void *self = NULL;
  (void)state;
  assert_int_equal(chio_nitro_open(&source, &self, &detail), CHIO_E_PLATFORM);
  assert_non_null(strstr(detail.text, "this is no Nitro enclave"));
  assert_null(self);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_ioctl_is_the_kernels),
      cmocka_unit_test_setup(a_document_holds_the_report_data, reset),
      cmocka_unit_test_setup(a_document_names_the_key_that_was_asked_for_and_no_other, reset),
      cmocka_unit_test_setup(a_module_that_is_busy_for_ever_ends_it, reset),
      cmocka_unit_test_setup(error_codes_are_named, reset),
      cmocka_unit_test_setup(a_reply_that_is_none_is_refused, reset),
      cmocka_unit_test(every_shorter_reply_is_refused),
      cmocka_unit_test(no_device_is_said),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
