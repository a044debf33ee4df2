/* What AWS, its metadata services and its shared files say. The first byte chooses the parser. */
#include "kms-adapters/aws_clock.h"
#include "kms-adapters/aws_error.h"
#include "kms-adapters/aws_profile.h"
#include "kms-adapters/aws_source.h"
#include "kms-adapters/aws_xml.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static bool printable(const char *text, size_t size) {
  size_t len = strnlen(text, size);
  if (len == size) return false;
  for (size_t i = 0; i < len; i++)
    if (text[i] < ' ' || text[i] > '~') return false;
  return true;
}

static bool inside(struct chio_slice part, struct chio_slice whole) {
  return part.len == 0 || (part.data >= whole.data && part.len <= whole.len &&
                           (size_t)(part.data - whole.data) <= whole.len - part.len);
}

static struct chio_http_reply reply_of(struct chio_slice bytes) {
  struct chio_http_reply reply = {.status = 400, .body = CHIO_BUF_INIT, .headers = CHIO_BUF_INIT};
  chio_buf_append_slice(&reply.body, bytes);
  return reply;
}

static void refusal(struct chio_slice bytes) {
  struct chio_http_reply reply = reply_of(bytes);
  struct chio_aws_refusal read;
  int64_t offset = 0;
  chio_buf_append_slice(&reply.headers, bytes);
  chio_aws_refusal_read(&reply, &read);
  FUZZ_HOLDS(printable(read.code, sizeof read.code));
  FUZZ_HOLDS(printable(read.message, sizeof read.message));
  FUZZ_HOLDS(printable(read.request_id, sizeof read.request_id));
  FUZZ_HOLDS(read.err != CHIO_OK);
  (void)!chio_aws_skew(&reply, chio_slice_str(read.message), 0, &offset);
  chio_http_reply_clear(&reply);
}

static void xml(struct chio_slice bytes) {
  struct chio_slice text;
  if (chio_aws_xml_text(bytes, "Code", &text) != CHIO_OK) return;
  FUZZ_HOLDS(inside(text, bytes));
}

/* Whatever is taken can be unpacked to parts that may stand in headers. */
static void found_holds(struct chio_aws_found *found) {
  struct chio_aws_keys keys = chio_aws_keys_read(found->block);
  FUZZ_HOLDS(found->life_ms > 0);
  FUZZ_HOLDS(printable(keys.access_key, CHIO_AWS_ACCESS_KEY_MAX + 1) && keys.access_key[0] != '\0');
  FUZZ_HOLDS(keys.secret_key.len > 0 && keys.secret_key.len <= CHIO_AWS_SECRET_KEY_MAX);
  FUZZ_HOLDS(printable((const char *)keys.session_token.data, CHIO_AWS_SESSION_TOKEN_MAX + 1));
  FUZZ_HOLDS(strlen((const char *)keys.session_token.data) == keys.session_token.len);
  chio_secret_free(found->block);
}

static void sts(struct chio_slice bytes) {
  struct chio_http_reply reply = reply_of(bytes);
  struct chio_aws_found found;
  if (chio_aws_sts_read(&reply, &found, NULL) == CHIO_OK) found_holds(&found);
  chio_http_reply_clear(&reply);
}

static void metadata(struct chio_slice bytes) {
  struct chio_http_reply reply = reply_of(bytes);
  struct chio_aws_found found;
  if (chio_aws_metadata_read(&reply, &found, NULL) == CHIO_OK) found_holds(&found);
  chio_http_reply_clear(&reply);
}

static void profiles(struct chio_slice bytes) {
  static const char *const names[] = {"default", "p", ""};
  const struct chio_aws_profiles files = {bytes, bytes};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(names); i++) {
    FUZZ_HOLDS(inside(chio_aws_profile_get(&files, names[i], "role_arn"), bytes));
    FUZZ_HOLDS(chio_aws_profile_get(&files, names[i], "role_arn").len == 0 ||
               chio_aws_profile_exists(&files, names[i]));
  }
}

static void times(struct chio_slice bytes) {
  time_t when = 0;
  if (chio_aws_time_http(bytes, &when) == CHIO_OK || chio_aws_time_iso(bytes, &when) == CHIO_OK ||
      chio_aws_time_basic(bytes, &when) == CHIO_OK)
    FUZZ_HOLDS(when > 946684799 && when < 253370764800);
  (void)!chio_aws_time_in_message(bytes, &when);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static void (*const parsers[])(struct chio_slice bytes) = {refusal, xml, sts, metadata, profiles, times};
  if (size == 0) return 0;
  parsers[(data[0] - '0') % CHIO_ARRAY_LEN(parsers)](chio_slice(data + 1, size - 1));
  return 0;
}
