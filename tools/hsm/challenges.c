#include "tools/hsm/challenges.h"

#include "attest/moment.h"
#include "tools/hsm/evidence.h"
#include "tools/hsm/json.h"
#include "tools/hsm/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define LIFETIME_MAX 86400L /* seconds */
#define LIFETIME_DEFAULT 300L

static enum chio_err io_error(int code, const struct chio_attest_message *message, struct chio_detail *detail) {
  if (code == CHIO_ATTEST_OK) return CHIO_OK;
  if (code == CHIO_ATTEST_E_NO_MEMORY) return CHIO_E_NO_MEMORY;
  enum chio_err err = code == CHIO_ATTEST_E_LIMIT ? CHIO_E_BUSY : CHIO_E_IO;
  return chio_fail(detail, err, "%s", message->text[0] != 0 ? message->text : "the table cannot be used");
}

static enum chio_err read_lifetime(const struct hsm *hsm, int64_t *out, struct chio_detail *detail) {
  const char *text = hsm->option[HSM_OPT_LIFETIME];
  char *end = NULL;
  *out = LIFETIME_DEFAULT;
  if (text == NULL) return CHIO_OK;
  errno = 0;
  long seconds = strtol(text, &end, 10);
  bool ok = text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && seconds >= 1 && seconds <= LIFETIME_MAX;
  if (!ok) return chio_fail(detail, CHIO_E_ARGUMENT, "--lifetime '%s': expected 1 to %ld seconds", text, LIFETIME_MAX);
  *out = seconds;
  return CHIO_OK;
}

enum chio_err hsm_challenges_read(const struct hsm *hsm, struct chio_attest_challenges **out_challenges,
                                  struct chio_detail *detail) {
  struct chio_attest_message message = {""};
  const char *path = hsm->option[HSM_OPT_CHALLENGES];
  int64_t lifetime;
  *out_challenges = NULL;
  if (path == NULL) return CHIO_OK;
  enum chio_err err = read_lifetime(hsm, &lifetime, detail);
  if (err != CHIO_OK) return err;
  return io_error(chio_attest_challenges_open(path, lifetime, out_challenges, &message), &message, detail);
}

enum chio_err hsm_seen_read(const struct hsm *hsm, struct chio_attest_seen **out_seen, struct chio_detail *detail) {
  struct chio_attest_message message = {""};
  const char *path = hsm->option[HSM_OPT_SEEN];
  *out_seen = NULL;
  return path != NULL ? io_error(chio_attest_seen_open(path, out_seen, &message), &message, detail) : CHIO_OK;
}

static enum chio_err print(const struct hsm *hsm, const uint8_t nonce[CHIO_ATTEST_CHALLENGE_SIZE], int64_t until) {
  CHIO_AUTO(chio_buf) struct chio_buf *hex = chio_buf_new();
  char time[CHIO_MOMENT_TEXT];
  if (hex == NULL) return CHIO_E_NO_MEMORY;
  hsm_hex_put(chio_slice(nonce, CHIO_ATTEST_CHALLENGE_SIZE), hex);
  if (chio_buf_cstr(hex) == NULL) return CHIO_E_NO_MEMORY;
  chio_moment_text(until, time);
  if (hsm->json) return hsm_json_print(json_pack("{s:s, s:s}", "nonce", (const char *)hex->data, "until", time));
  return puts((const char *)hex->data) >= 0 ? CHIO_OK : CHIO_E_IO;
}

enum chio_err hsm_run_challenge(struct hsm *hsm, struct chio_detail *detail) {
  struct chio_attest_message message = {""};
  struct chio_attest_challenges *challenges = NULL;
  uint8_t nonce[CHIO_ATTEST_CHALLENGE_SIZE];
  int64_t at, lifetime;
  if (hsm->option[HSM_OPT_CHALLENGES] == NULL)
    return chio_fail(detail, CHIO_E_ARGUMENT, "--challenges FILE is needed: verify looks there for what it may answer");
  enum chio_err err = hsm_at_read(hsm->option[HSM_OPT_AT], &at, detail);
  if (err == CHIO_OK) err = read_lifetime(hsm, &lifetime, detail);
  if (err == CHIO_OK) err = hsm_challenges_read(hsm, &challenges, detail);
  if (err == CHIO_OK)
    err = io_error(chio_attest_challenges_issue(challenges, at, nonce, &message), &message, detail);
  if (err == CHIO_OK) err = print(hsm, nonce, at + lifetime);
  chio_attest_challenges_free(challenges);
  return err;
}
