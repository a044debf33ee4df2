/* The result: its words, its JSON, its end. */
#include "attest/judge.h"

#include "attest/moment.h"
#include "signer/base/text.h"
#include <stdlib.h>

const char *chio_attest_reason_code(enum chio_attest_reason reason) {
  switch (reason) {
#define CHIO_REASON_CASE(name, number, code, text) \
  case CHIO_ATTEST_##name: return code;
    CHIO_ATTEST_REASONS(CHIO_REASON_CASE)
#undef CHIO_REASON_CASE
  }
  return "unknown";
}

const char *chio_attest_reason_text(enum chio_attest_reason reason) {
  switch (reason) {
#define CHIO_REASON_CASE(name, number, code, text) \
  case CHIO_ATTEST_##name: return text;
    CHIO_ATTEST_REASONS(CHIO_REASON_CASE)
#undef CHIO_REASON_CASE
  }
  return "a reason that this version does not know";
}

static const struct {
  const char *code, *text;
} proofs[] = {
#define CHIO_PROOF_ROW(name, bit, code, text) [bit] = {code, text},
    CHIO_ATTEST_PROOFS(CHIO_PROOF_ROW)
#undef CHIO_PROOF_ROW
};

const char *chio_attest_proof_code(unsigned bit) {
  return bit < CHIO_ARRAY_LEN(proofs) ? proofs[bit].code : NULL;
}

const char *chio_attest_proof_text(unsigned bit) {
  return bit < CHIO_ARRAY_LEN(proofs) ? proofs[bit].text : NULL;
}

void chio_attest_result_free(struct chio_attest_result *pub) {
  if (pub == NULL) return;
  struct chio_result *result = (struct chio_result *)pub;
  if (atomic_fetch_sub(&result->refs, 1) > 1) return;
  while (result->blocks != NULL) {
    struct chio_result_block *next = result->blocks->next;
    free(result->blocks);
    result->blocks = next;
  }
  chio_buf_clear(&result->claims);
  free(result);
}

struct chio_attest_result *chio_result_ref(struct chio_attest_result *pub) {
  (void)atomic_fetch_add(&((struct chio_result *)pub)->refs, 1);
  return pub;
}

void chio_attest_free(void *memory) {
  free(memory);
}

/* ---- JSON ---- */

static void put_string(struct chio_buf *out, const char *name, const char *text) {
  chio_buf_printf(out, ",\"%s\":", name);
  if (text != NULL)
    chio_json_quote(out, chio_slice_str(text));
  else
    chio_buf_append_str(out, "null");
}

static void put_hex(struct chio_buf *out, const char *name, const uint8_t *bytes, size_t len) {
  chio_buf_printf(out, ",\"%s\":", name);
  if (len == 0) {
    chio_buf_append_str(out, "null");
    return;
  }
  chio_buf_append_u8(out, '"');
  chio_hex_append(out, chio_slice(bytes, len));
  chio_buf_append_u8(out, '"');
}

static void put_bool(struct chio_buf *out, const char *name, bool value) {
  chio_buf_printf(out, ",\"%s\":%s", name, value ? "true" : "false");
}

static void put_time(struct chio_buf *out, int64_t seconds, bool known) {
  char text[CHIO_MOMENT_TEXT];
  chio_moment_text(seconds, text);
  if (known)
    chio_json_quote(out, chio_slice_str(text));
  else
    chio_buf_append_str(out, "null");
}

static void put_proofs(struct chio_buf *out, const char *name, uint32_t bits) {
  const char *comma = "";
  chio_buf_printf(out, ",\"%s\":[", name);
  for (unsigned bit = 0; bit < CHIO_ARRAY_LEN(proofs); bit++) {
    if ((bits & 1u << bit) == 0) continue;
    chio_buf_printf(out, "%s\"%s\"", comma, proofs[bit].code);
    comma = ",";
  }
  chio_buf_append_u8(out, ']');
}

static void put_failures(struct chio_buf *out, const struct chio_attest_result *r) {
  chio_buf_append_str(out, ",\"failures\":[");
  for (size_t i = 0; i < r->failures_count; i++) {
    chio_buf_printf(out, "%s{\"reason\":\"%s\"", i > 0 ? "," : "", chio_attest_reason_code(r->failures[i].reason));
    put_string(out, "text", r->failures[i].text);
    chio_buf_append_u8(out, '}');
  }
  chio_buf_append_u8(out, ']');
}

static void put_missing(struct chio_buf *out, const struct chio_attest_result *r) {
  chio_buf_append_str(out, ",\"missing\":[");
  for (size_t i = 0; i < r->missing_count; i++) {
    unsigned bit = 0;
    while (bit + 1 < CHIO_ARRAY_LEN(proofs) && (unsigned)r->missing[i].proof != 1u << bit) bit++;
    chio_buf_printf(out, "%s{\"proof\":\"%s\"", i > 0 ? "," : "", proofs[bit].code);
    put_string(out, "text", r->missing[i].text);
    chio_buf_append_u8(out, '}');
  }
  chio_buf_append_u8(out, ']');
}

static void put_tcb(struct chio_buf *out, const struct chio_attest_result *r) {
  chio_buf_append_str(out, ",\"tcb\":");
  if (r->tcb_status == NULL) {
    chio_buf_append_str(out, "null");
    return;
  }
  chio_buf_append_str(out, "{\"status\":");
  chio_json_quote(out, chio_slice_str(r->tcb_status));
  chio_buf_append_str(out, ",\"date\":");
  put_time(out, r->tcb_date, r->tcb_date != 0);
  chio_buf_append_str(out, ",\"advisories\":[");
  for (size_t i = 0; i < r->advisories_count; i++) {
    if (i > 0) chio_buf_append_u8(out, ',');
    chio_json_quote(out, chio_slice_str(r->advisories[i]));
  }
  chio_buf_append_str(out, "]}");
}

static void put_window(struct chio_buf *out, const struct chio_attest_result *r) {
  chio_buf_append_str(out, ",\"window\":");
  if (r->window_from == INT64_MIN || r->window_until == INT64_MAX) {
    chio_buf_append_str(out, "null");
    return;
  }
  chio_buf_append_u8(out, '[');
  put_time(out, r->window_from, true);
  chio_buf_append_u8(out, ',');
  put_time(out, r->window_until, true);
  chio_buf_append_u8(out, ']');
}

static void put_key(struct chio_buf *out, const struct chio_attest_result *r) {
  if (r->key_spki != NULL) {
    chio_buf_append_str(out, ",\"key\":{\"spki\":\"");
    chio_base64_append(out, chio_slice(r->key_spki, r->key_spki_len));
    chio_buf_append_str(out, "\",\"statement\":");
    chio_buf_append_str(out, r->statement_json != NULL ? r->statement_json : "null");
    chio_buf_append_u8(out, '}');
  } else {
    chio_buf_append_str(out, ",\"key\":null");
  }
}

static void put_rollout(struct chio_buf *out, const struct chio_attest_result *r) {
  if (r->decided_by == NULL) {
    chio_buf_append_str(out, ",\"rollout\":null");
    return;
  }
  chio_buf_printf(out, ",\"rollout\":{\"decided_by\":\"%s\",\"other\":{\"verdict\":\"%s\",\"reason\":\"%s\"}}",
                  r->decided_by, r->other_accepted ? "accepted" : "refused", chio_attest_reason_code(r->other_reason));
}

int chio_attest_result_json(const struct chio_attest_result *r, char **out_json) {
  static const uint8_t zero[32];
  if (r == NULL || out_json == NULL) return CHIO_ATTEST_E_ARGUMENT;
  struct chio_buf out = CHIO_BUF_INIT;
  chio_buf_printf(&out, "{\"verdict\":\"%s\"", r->accepted ? "accepted" : "refused");
  put_string(&out, "reason", chio_attest_reason_code(r->reason));
  put_failures(&out, r);
  put_proofs(&out, "proved", r->proved);
  put_missing(&out, r);
  put_string(&out, "container", r->container);
  put_string(&out, "format", r->format);
  put_string(&out, "tee", r->tee);
  put_bool(&out, "simulated", r->simulated != 0);
  put_bool(&out, "debug", r->debug != 0);
  put_hex(&out, "measurement", r->measurement, r->measurement_len);
  put_hex(&out, "signer", r->signer, r->signer_len);
  put_hex(&out, "report_data", r->report_data, r->report_data_len);
  put_tcb(&out, r);
  put_window(&out, r);
  chio_buf_append_str(&out, ",\"time\":");
  put_time(&out, r->evidence_time, r->evidence_time != 0);
  put_string(&out, "root", r->root_name);
  put_hex(&out, "root_spki_sha256", r->root_spki_sha256, memcmp(r->root_spki_sha256, zero, 32) != 0 ? 32 : 0);
  put_hex(&out, "replay_id", r->replay_id, memcmp(r->replay_id, zero, 32) != 0 ? 32 : 0);
  put_hex(&out, "nonce", r->nonce, r->nonce_len);
  put_key(&out, r);
  put_rollout(&out, r);
  chio_buf_printf(&out, ",\"claims\":%s}", r->claims_json);
  if (chio_buf_cstr(&out) == NULL || chio_buf_err(&out) != CHIO_OK) {
    chio_buf_clear(&out);
    return CHIO_ATTEST_E_NO_MEMORY;
  }
  *out_json = (char *)out.data;
  return CHIO_ATTEST_OK;
}
