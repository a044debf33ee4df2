#include "attest/nsm.h"

#include "attest/cbor.h"
#include "attest/node.h"

#include <cbor.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define PAIRS_MAX 8u
#define NAME_MAX_BYTES 64u

/* ---- Request ---- */

static void put_text(const char *text, struct chio_buf *out) {
  uint8_t head[9];
  size_t len = strlen(text);
  chio_buf_append(out, head, cbor_encode_string_start(len, head, sizeof head));
  chio_buf_append(out, text, len);
}

static void put_map(size_t pairs, struct chio_buf *out) {
  uint8_t head[9];
  chio_buf_append(out, head, cbor_encode_map_start(pairs, head, sizeof head));
}

static void put_null(struct chio_buf *out) {
  uint8_t null;
  chio_buf_append(out, &null, cbor_encode_null(&null, sizeof null));
}

static void put_bytes(struct chio_slice bytes, struct chio_buf *out) {
  uint8_t head[9];
  chio_buf_append(out, head, cbor_encode_bytestring_start(bytes.len, head, sizeof head));
  chio_buf_append_slice(out, bytes);
}

/* {"Attestation": {"user_data": DATA, "nonce": null, "public_key": KEY or null}} */
static void put_request(const uint8_t *data, struct chio_slice public_key, struct chio_buf *out) {
  put_map(1, out);
  put_text("Attestation", out);
  put_map(3, out);
  put_text("user_data", out);
  put_bytes(chio_slice(data, CHIO_REPORT_DATA_SIZE), out);
  put_text("nonce", out);
  put_null(out);
  put_text("public_key", out);
  if (public_key.len > 0)
    put_bytes(public_key, out);
  else
    put_null(out);
}

/* ---- Reply ---- */

/* {"document": bytes}, and whatever else a later module may say. */
static enum chio_err read_attestation(struct chio_cursor *c, struct chio_slice *out) {
  struct chio_cbor_list map;
  bool more = false, found = false;
  struct chio_slice name, document = chio_slice(NULL, 0);
  enum chio_err err = chio_cbor_open(c, CHIO_CBOR_MAP, PAIRS_MAX, &map);
  while (err == CHIO_OK && (err = chio_cbor_more(c, &map, &more)) == CHIO_OK && more) {
    err = chio_cbor_string(c, CHIO_CBOR_TEXT, NAME_MAX_BYTES, &name);
    if (err != CHIO_OK) return err;
    if (!chio_slice_equal(name, chio_slice_str("document"))) {
      err = chio_cbor_skip(c);
    } else if (found) {
      return CHIO_E_MALFORMED;
    } else {
      err = chio_cbor_string(c, CHIO_CBOR_BYTES, CHIO_NSM_RESPONSE_MAX, &document);
      found = true;
    }
  }
  if (err == CHIO_OK && document.len == 0) err = CHIO_E_MALFORMED;
  if (err == CHIO_OK) *out = document;
  return err;
}

static enum chio_err refused(struct chio_slice word, struct chio_detail *detail) {
  for (size_t i = 0; i < word.len; i++)
    if (word.data[i] < 0x20 || word.data[i] > 0x7e) return CHIO_E_MALFORMED;
  return chio_fail(detail, CHIO_E_PLATFORM, "the Nitro security module refuses: %.*s", (int)word.len,
                   (const char *)word.data);
}

/* {"Attestation": {...}} or {"Error": "InputTooLarge"}. refusal is set for the second. */
static enum chio_err read_reply(struct chio_cursor *c, struct chio_slice *out_document,
                                struct chio_slice *out_refusal) {
  struct chio_cbor_list map;
  struct chio_slice kind, document = chio_slice(NULL, 0), refusal = chio_slice(NULL, 0);
  bool more = false;
  enum chio_err err = chio_cbor_open(c, CHIO_CBOR_MAP, 1, &map);
  if (err == CHIO_OK) err = chio_cbor_more(c, &map, &more);
  if (err == CHIO_OK && !more) err = CHIO_E_MALFORMED;
  if (err == CHIO_OK) err = chio_cbor_string(c, CHIO_CBOR_TEXT, NAME_MAX_BYTES, &kind);
  if (err != CHIO_OK) return err;
  if (chio_slice_equal(kind, chio_slice_str("Attestation"))) err = read_attestation(c, &document);
  else if (chio_slice_equal(kind, chio_slice_str("Error")))
    err = chio_cbor_string(c, CHIO_CBOR_TEXT, NAME_MAX_BYTES, &refusal);
  else err = CHIO_E_MALFORMED;
  if (err == CHIO_OK) err = chio_cbor_more(c, &map, &more);
  if (err == CHIO_OK && more) err = CHIO_E_MALFORMED;
  if (err == CHIO_OK) err = chio_cursor_end(c);
  if (err != CHIO_OK) return err;
  *out_document = document;
  *out_refusal = refusal;
  return CHIO_OK;
}

enum chio_err chio_nsm_reply(struct chio_slice reply, struct chio_slice *out_document, struct chio_detail *detail) {
  struct chio_cursor c = chio_cursor(reply);
  struct chio_slice document, refusal;
  enum chio_err err = read_reply(&c, &document, &refusal);
  if (err == CHIO_OK && document.len == 0) err = refused(refusal, detail);
  if (err == CHIO_E_PLATFORM) return err;
  if (err != CHIO_OK)
    return chio_fail(detail, CHIO_E_PLATFORM, "the Nitro security module's reply is %s", chio_err_text(err));
  *out_document = document;
  return CHIO_OK;
}

/* ---- Call ---- */

static enum chio_err call(const struct chio_nsm *nsm, int fd, struct chio_slice request, uint8_t *response,
                          size_t *out_len, struct chio_detail *detail) {
  enum chio_err err = CHIO_E_BUSY;
  for (unsigned tries = 0; tries < CHIO_NSM_TRIES && err == CHIO_E_BUSY; tries++) {
    struct chio_nsm_raw raw = {.request = (uint64_t)(uintptr_t)request.data,
                               .request_len = request.len,
                               .response = (uint64_t)(uintptr_t)response,
                               .response_len = CHIO_NSM_RESPONSE_MAX};
    chio_node_pause(nsm->pause_ms, tries);
    if (nsm->call(fd, CHIO_NSM_RAW, &raw) != 0) {
      int number = errno;
      err = chio_fail(detail, chio_node_errno(number), "%s: no document: %s", nsm->path, strerror(number));
    } else if (raw.response_len > CHIO_NSM_RESPONSE_MAX) {
      err = chio_fail(detail, CHIO_E_PLATFORM, "%s: a reply of %llu bytes", nsm->path,
                      (unsigned long long)raw.response_len);
    } else {
      *out_len = (size_t)raw.response_len;
      err = CHIO_OK;
    }
  }
  return err == CHIO_OK || err == CHIO_E_PERMISSION ? err : CHIO_E_PLATFORM;
}

static enum chio_err ask(const struct chio_nsm *nsm, int fd, const uint8_t *report_data, struct chio_slice public_key,
                         struct chio_buf *out, struct chio_detail *detail) {
  struct chio_buf request = CHIO_BUF_INIT;
  struct chio_slice document;
  size_t len = 0;
  uint8_t *response = calloc(1, CHIO_NSM_RESPONSE_MAX);
  put_request(report_data, public_key, &request);
  enum chio_err err = response != NULL ? chio_buf_err(&request) : CHIO_E_NO_MEMORY;
  if (err == CHIO_OK) err = call(nsm, fd, chio_buf_slice(&request), response, &len, detail);
  if (err == CHIO_OK) err = chio_nsm_reply(chio_slice(response, len), &document, detail);
  if (err == CHIO_OK) {
    chio_buf_append_slice(out, document);
    err = chio_buf_err(out);
  }
  chio_buf_clear(&request);
  free(response);
  return err;
}

enum chio_err chio_nsm_document(const struct chio_nsm *nsm, const uint8_t report_data[CHIO_REPORT_DATA_SIZE],
                                struct chio_slice public_key, struct chio_buf *out, struct chio_detail *detail) {
  int fd = -1;
  enum chio_err err = chio_node_device(nsm->path, &fd, detail);
  if (err != CHIO_OK) return err;
  err = ask(nsm, fd, report_data, public_key, out, detail);
  (void)close(fd);
  return err;
}
