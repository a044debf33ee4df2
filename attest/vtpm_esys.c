#include "attest/vtpm.h"

#include "attest/crypto.h"

#include <stdlib.h>

#include <tss2/tss2_esys.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

#define NV_STEP 512u /* every TPM gives that much at once */
#define NO_AUTH ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE
#define NO_SESSION ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE

struct chio_vtpm {
  TSS2_TCTI_CONTEXT *tcti;
  ESYS_CONTEXT *esys;
};

static enum chio_err refuse(struct chio_detail *detail, const char *what, TSS2_RC rc) {
  return chio_fail(detail, CHIO_E_PLATFORM, "the TPM: %s: %s (0x%x)", what, Tss2_RC_Decode(rc), (unsigned)rc);
}

enum chio_err chio_vtpm_open(const char *tcti, struct chio_vtpm **out_vtpm, struct chio_detail *detail) {
  struct chio_vtpm *vtpm = calloc(1, sizeof *vtpm);
  if (vtpm == NULL) return CHIO_E_NO_MEMORY;
  TSS2_RC rc = Tss2_TctiLdr_Initialize(tcti, &vtpm->tcti);
  if (rc == TSS2_RC_SUCCESS) rc = Esys_Initialize(&vtpm->esys, vtpm->tcti, NULL);
  if (rc != TSS2_RC_SUCCESS) {
    chio_vtpm_close(vtpm);
    return refuse(detail, tcti, rc);
  }
  *out_vtpm = vtpm;
  return CHIO_OK;
}

void chio_vtpm_close(struct chio_vtpm *vtpm) {
  if (vtpm == NULL) return;
  Esys_Finalize(&vtpm->esys);
  Tss2_TctiLdr_Finalize(&vtpm->tcti);
  free(vtpm);
}

/* The object of a persistent handle or an NV index. The TPM names a handle that it does not have. */
static enum chio_err find(struct chio_vtpm *vtpm, uint32_t handle, ESYS_TR *out, struct chio_detail *detail) {
  TSS2_RC rc = Esys_TR_FromTPMPublic(vtpm->esys, handle, NO_SESSION, out);
  if (rc == TSS2_RC_SUCCESS) return CHIO_OK;
  TSS2_RC base = rc & ~(TSS2_RC)(TPM2_RC_N_MASK | TSS2_RC_LAYER_MASK);
  if (base == (TPM2_RC_HANDLE & ~(TSS2_RC)TPM2_RC_N_MASK))
    return chio_fail(detail, CHIO_E_NOT_FOUND, "the TPM has nothing at 0x%08x", (unsigned)handle);
  return refuse(detail, "a handle cannot be read", rc);
}

/* ---- NV ---- */

static enum chio_err nv_size(struct chio_vtpm *vtpm, ESYS_TR nv, size_t *out, struct chio_detail *detail) {
  TPM2B_NV_PUBLIC *public = NULL;
  TSS2_RC rc = Esys_NV_ReadPublic(vtpm->esys, nv, NO_SESSION, &public, NULL);
  if (rc != TSS2_RC_SUCCESS) return refuse(detail, "an NV index cannot be looked at", rc);
  *out = public->nvPublic.dataSize;
  Esys_Free(public);
  if (*out <= CHIO_VTPM_NV_MAX) return CHIO_OK;
  return chio_fail(detail, CHIO_E_TOO_LONG, "the TPM's NV index has %zu bytes", *out);
}

static enum chio_err nv_part(struct chio_vtpm *vtpm, ESYS_TR nv, size_t offset, size_t size, struct chio_buf *out,
                             struct chio_detail *detail) {
  TPM2B_MAX_NV_BUFFER *data = NULL;
  TSS2_RC rc =
      Esys_NV_Read(vtpm->esys, ESYS_TR_RH_OWNER, nv, NO_AUTH, (uint16_t)size, (uint16_t)offset, &data);
  if (rc != TSS2_RC_SUCCESS) return refuse(detail, "an NV index cannot be read", rc);
  bool whole = data->size == size;
  if (whole) chio_buf_append(out, data->buffer, data->size);
  Esys_Free(data);
  return whole ? chio_buf_err(out) : chio_fail(detail, CHIO_E_PLATFORM, "the TPM gives less than was asked for");
}

enum chio_err chio_vtpm_nv_read(struct chio_vtpm *vtpm, uint32_t index, struct chio_buf *out,
                                struct chio_detail *detail) {
  ESYS_TR nv = ESYS_TR_NONE;
  size_t size = 0, start = out->len;
  enum chio_err err = find(vtpm, index, &nv, detail);
  if (err != CHIO_OK) return err;
  err = nv_size(vtpm, nv, &size, detail);
  for (size_t at = 0; at < size && err == CHIO_OK; at += NV_STEP) {
    err = nv_part(vtpm, nv, at, size - at < NV_STEP ? size - at : NV_STEP, out, detail);
  }
  (void)Esys_TR_Close(vtpm->esys, &nv);
  if (err != CHIO_OK) out->len = start;
  return err;
}

/* ---- Quotes ---- */

static TPML_PCR_SELECTION all_registers(void) {
  TPML_PCR_SELECTION all = {.count = 1};
  all.pcrSelections[0].hash = TPM2_ALG_SHA256;
  all.pcrSelections[0].sizeofSelect = CHIO_TPM_PCRS / 8;
  memset(all.pcrSelections[0].pcrSelect, 0xff, CHIO_TPM_PCRS / 8);
  return all;
}

/* The TPM gives eight at most, and says by its own selection which. */
static enum chio_err read_some(struct chio_vtpm *vtpm, size_t first, uint8_t pcrs[CHIO_TPM_PCRS][32],
                               struct chio_detail *detail) {
  TPML_PCR_SELECTION wanted = all_registers(), *given = NULL;
  TPML_DIGEST *digests = NULL;
  uint32_t counter;
  memset(wanted.pcrSelections[0].pcrSelect, 0, CHIO_TPM_PCRS / 8);
  wanted.pcrSelections[0].pcrSelect[first / 8] = 0xff;
  TSS2_RC rc = Esys_PCR_Read(vtpm->esys, NO_SESSION, &wanted, &counter, &given, &digests);
  if (rc != TSS2_RC_SUCCESS) return refuse(detail, "the registers cannot be read", rc);
  bool whole = digests->count == 8;
  for (size_t i = 0; i < 8 && whole; i++) {
    whole = digests->digests[i].size == 32;
    if (whole) memcpy(pcrs[first + i], digests->digests[i].buffer, 32);
  }
  Esys_Free(given);
  Esys_Free(digests);
  return whole ? CHIO_OK : chio_fail(detail, CHIO_E_PLATFORM, "the TPM has no SHA-256 registers");
}

static enum chio_err read_registers(struct chio_vtpm *vtpm, uint8_t pcrs[CHIO_TPM_PCRS][32],
                                    struct chio_detail *detail) {
  enum chio_err err = CHIO_OK;
  for (size_t first = 0; first < CHIO_TPM_PCRS && err == CHIO_OK; first += 8) {
    err = read_some(vtpm, first, pcrs, detail);
  }
  return err;
}

static enum chio_err ask(struct chio_vtpm *vtpm, ESYS_TR key, struct chio_slice nonce, struct chio_vtpm_quote *out,
                         struct chio_detail *detail) {
  const TPML_PCR_SELECTION all = all_registers();
  const TPMT_SIG_SCHEME scheme = {.scheme = TPM2_ALG_RSASSA, .details.rsassa.hashAlg = TPM2_ALG_SHA256};
  TPM2B_DATA data = {.size = (uint16_t)nonce.len};
  TPM2B_ATTEST *message = NULL;
  TPMT_SIGNATURE *signature = NULL;
  if (nonce.len > 0) memcpy(data.buffer, nonce.data, nonce.len);
  TSS2_RC rc = Esys_Quote(vtpm->esys, key, NO_AUTH, &data, &scheme, &all, &message, &signature);
  if (rc != TSS2_RC_SUCCESS) return refuse(detail, "no quote", rc);
  chio_buf_append(&out->message, message->attestationData, message->size);
  chio_buf_append(&out->signature, signature->signature.rsassa.sig.buffer, signature->signature.rsassa.sig.size);
  Esys_Free(message);
  Esys_Free(signature);
  return out->message.failed || out->signature.failed ? CHIO_E_NO_MEMORY : CHIO_OK;
}

/* CHIO_E_BUSY: a register was extended between reading and quoting. */
static enum chio_err check(const struct chio_vtpm_quote *quote, struct chio_slice nonce, struct chio_detail *detail) {
  struct chio_tpm_quote parsed;
  uint8_t digest[CHIO_SHA256_SIZE];
  if (chio_tpm_quote_parse(chio_buf_slice(&quote->message), &parsed) != CHIO_OK ||
      !chio_slice_equal(parsed.extra_data, nonce))
    return chio_fail(detail, CHIO_E_PLATFORM, "the TPM's quote is over other data");
  enum chio_err err = chio_hash_bytes(CHIO_HASH_SHA256, chio_slice(quote->pcrs, sizeof quote->pcrs), digest);
  if (err != CHIO_OK) return err;
  if (chio_slice_equal(parsed.pcr_digest, chio_slice(digest, sizeof digest))) return CHIO_OK;
  return chio_fail(detail, CHIO_E_BUSY, "the TPM's registers change all the time");
}

static enum chio_err try_once(struct chio_vtpm *vtpm, ESYS_TR key, struct chio_slice nonce,
                              struct chio_vtpm_quote *quote, struct chio_detail *detail) {
  chio_buf_reset(&quote->message);
  chio_buf_reset(&quote->signature);
  enum chio_err err = read_registers(vtpm, quote->pcrs, detail);
  if (err == CHIO_OK) err = ask(vtpm, key, nonce, quote, detail);
  return err == CHIO_OK ? check(quote, nonce, detail) : err;
}

enum chio_err chio_vtpm_quote(struct chio_vtpm *vtpm, uint32_t handle, struct chio_slice nonce,
                              struct chio_vtpm_quote *out, struct chio_detail *detail) {
  struct chio_vtpm_quote quote = {.message = CHIO_BUF_INIT, .signature = CHIO_BUF_INIT};
  ESYS_TR key = ESYS_TR_NONE;
  if (nonce.len > CHIO_VTPM_NONCE_MAX) return CHIO_E_ARGUMENT;
  enum chio_err err = find(vtpm, handle, &key, detail);
  if (err != CHIO_OK) return err;
  err = CHIO_E_BUSY;
  for (unsigned tries = 0; tries < CHIO_VTPM_TRIES && err == CHIO_E_BUSY; tries++) {
    err = try_once(vtpm, key, nonce, &quote, detail);
  }
  (void)Esys_TR_Close(vtpm->esys, &key);
  if (err != CHIO_OK) {
    chio_vtpm_quote_clear(&quote);
    return err == CHIO_E_BUSY ? CHIO_E_PLATFORM : err;
  }
  *out = quote;
  return CHIO_OK;
}

void chio_vtpm_quote_clear(struct chio_vtpm_quote *quote) {
  chio_buf_clear(&quote->message);
  chio_buf_clear(&quote->signature);
}
