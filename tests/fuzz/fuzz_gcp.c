/*
 * What reaches the Google adapter from outside: replies of the KMS and of token services, credential files, foreign
 * tokens. The first byte says which parser gets the rest. Nothing that is refused leaves anything behind, tokens can
 * stand in a header, and messages are printable.
 */
#include "kms-adapters/gcp_account.h"
#include "kms-adapters/gcp_call.h"
#include "kms-adapters/gcp_status.h"
#include "kms-adapters/gcp_token.h"
#include "tests/fuzz/fuzz.h"

static void printable(const char *text) {
  for (; *text != '\0'; text++) FUZZ_HOLDS(*text >= ' ' && *text <= '~');
}

static void status(struct chio_slice body) {
  struct chio_gcp_status status;
  chio_gcp_status_read(body, &status);
  printable(status.status);
  printable(status.message);
  for (long http = 300; http < 600; http++)
    FUZZ_HOLDS(chio_gcp_status_judge(http, &status, CHIO_E_DATA_INVALID).err != CHIO_OK);
}

static void account(struct chio_slice body) {
  struct chio_gcp_account *account = NULL;
  if (chio_gcp_account_parse(body, NULL, &account, NULL) == CHIO_OK) {
    FUZZ_HOLDS(chio_gcp_url_is_trusted(account->token_url, NULL));
    FUZZ_HOLDS(account->type == CHIO_GCP_EXTERNAL_ACCOUNT || account->secret != NULL);
    printable(account->email);
    printable(account->subject_file);
    for (size_t i = 0; i < account->subject_header_count; i++) printable(account->subject_headers[i]);
  } else {
    FUZZ_HOLDS(account == NULL);
  }
  chio_gcp_account_free(account);
}

static void token(struct chio_slice body, bool impersonated) {
  struct chio_gcp_token token = {.secret = NULL};
  enum chio_err err = impersonated ? chio_gcp_impersonation_read(body, 1800000000, &token, NULL)
                                   : chio_gcp_token_read(body, &token, NULL);
  FUZZ_HOLDS((err == CHIO_OK) == (token.secret != NULL));
  if (err == CHIO_OK) {
    FUZZ_HOLDS(chio_gcp_token_ok(chio_secret_slice(token.secret)));
    FUZZ_HOLDS(token.life_ms > 0 && token.life_ms <= CHIO_GCP_LIFE_MAX_S * 1000ull);
  }
  chio_secret_free(token.secret);
}

static void subject(struct chio_slice body, const char *field) {
  struct chio_gcp_account account = {.type = CHIO_GCP_EXTERNAL_ACCOUNT};
  struct chio_secret *token = NULL;
  (void)snprintf(account.subject_field, sizeof account.subject_field, "%s", field);
  if (chio_gcp_subject_read(&account, body, &token, NULL) == CHIO_OK)
    FUZZ_HOLDS(chio_gcp_token_ok(chio_secret_slice(token)));
  chio_secret_free(token);
}

static void reply(struct chio_slice body) {
  json_t *object = NULL;
  struct chio_buf out = CHIO_BUF_INIT;
  char page[256];
  if (chio_body_parse(body, "the reply", &object, NULL) != CHIO_OK) return;
  if (chio_gcp_get(object, "signature", CHIO_KMS_SIGNATURE_MAX, &out, NULL) == CHIO_OK)
    FUZZ_HOLDS(out.len <= CHIO_KMS_SIGNATURE_MAX);
  (void)!chio_gcp_check_name(object, "projects/p", NULL);
  (void)!chio_gcp_check_flag(object, "verifiedDigestCrc32c", NULL);
  const char *next = json_string_value(json_object_get(object, "nextPageToken"));
  if (chio_gcp_page_token(next, page, sizeof page, NULL) == CHIO_OK) {
    FUZZ_HOLDS(strlen(page) < sizeof page && strpbrk(page, "&=?#/ \r\n") == NULL);
  }
  chio_buf_clear(&out);
  json_decref(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  struct chio_slice body = chio_slice(data + 1, size - 1);
  switch (data[0]) {
    case 's': status(body); break;
    case 'a': account(body); break;
    case 't': token(body, false); break;
    case 'i': token(body, true); break;
    case 'f': subject(body, ""); break;
    case 'j': subject(body, "id_token"); break;
    default: reply(body); break;
  }
  return 0;
}
