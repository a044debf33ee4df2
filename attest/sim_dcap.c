#include "attest/sim_dcap.h"

#include "attest/dcap.h"
#include "attest/der_write.h"
#include "attest/ecdsa.h"

#include <openssl/rand.h>

#define PCK_EXTENSION_OID "1.2.840.113741.1.13.1"

/* The simulated machine's 16 TCB components; PPID and platform instance are hashes of a name. */
static const uint8_t tcb_components[16] = {3, 3, 2, 2, 4, 1, 0, 5};

static struct chio_slice label(const char *text, enum chio_hash hash, uint8_t *out) {
  if (chio_hash_bytes(hash, chio_slice_str(text), out) != CHIO_OK) memset(out, 0, chio_hash_size(hash));
  return chio_slice(out, chio_hash_size(hash));
}

/* ---- Intel's extension ---- */

/* SEQUENCE { OID 1.2.840.113741.1.13.1.path, value } */
static void put_item(struct chio_buf *out, const uint8_t *path, size_t path_len, struct chio_slice value) {
  static const uint8_t arc[] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};
  struct chio_buf oid = CHIO_BUF_INIT, item = CHIO_BUF_INIT;
  chio_buf_append(&oid, arc, sizeof arc);
  chio_buf_append(&oid, path, path_len);
  chio_der_put(&item, CHIO_DER_OID, chio_buf_slice(&oid));
  chio_buf_append_slice(&item, value);
  chio_der_put(out, CHIO_DER_SEQUENCE, chio_buf_slice(&item));
  if (oid.failed || item.failed) out->failed = true;
  chio_buf_clear(&oid);
  chio_buf_clear(&item);
}

static void put_sub(struct chio_buf *out, uint8_t first, uint8_t second, uint8_t tag, struct chio_slice contents) {
  const uint8_t path[] = {first, second};
  struct chio_buf value = CHIO_BUF_INIT;
  chio_der_put(&value, tag, contents);
  put_item(out, path, second == 0 ? 1 : 2, chio_buf_slice(&value));
  if (value.failed) out->failed = true;
  chio_buf_clear(&value);
}

static void put_tcb(struct chio_buf *out) {
  struct chio_buf tcb = CHIO_BUF_INIT;
  for (uint8_t i = 0; i < 16; i++)
    put_sub(&tcb, 2, (uint8_t)(i + 1), CHIO_DER_INTEGER, chio_slice(&tcb_components[i], 1));
  const uint8_t pcesvn = CHIO_SIM_PCESVN;
  put_sub(&tcb, 2, 17, CHIO_DER_INTEGER, chio_slice(&pcesvn, 1));
  put_sub(&tcb, 2, 18, CHIO_DER_OCTETS, chio_slice(tcb_components, sizeof tcb_components));
  put_sub(out, 2, 0, CHIO_DER_SEQUENCE, chio_buf_slice(&tcb));
  if (tcb.failed) out->failed = true;
  chio_buf_clear(&tcb);
}

static void put_pck_extension(struct chio_buf *out) {
  static const uint8_t fmspc[] = CHIO_SIM_FMSPC, pceid[2] = {0}, sgx_type = 1, yes = 0xff;
  uint8_t hash[CHIO_SHA256_SIZE];
  struct chio_buf items = CHIO_BUF_INIT, configuration = CHIO_BUF_INIT;
  put_sub(&items, 1, 0, CHIO_DER_OCTETS, chio_slice(label("chio simulated PPID", CHIO_HASH_SHA256, hash).data, 16));
  put_tcb(&items);
  put_sub(&items, 3, 0, CHIO_DER_OCTETS, chio_slice(pceid, sizeof pceid));
  put_sub(&items, 4, 0, CHIO_DER_OCTETS, chio_slice(fmspc, sizeof fmspc));
  put_sub(&items, 5, 0, CHIO_DER_ENUMERATED, chio_slice(&sgx_type, 1));
  put_sub(&items, 6, 0, CHIO_DER_OCTETS,
          chio_slice(label("chio simulated platform instance", CHIO_HASH_SHA256, hash).data, 16));
  for (uint8_t i = 1; i <= 3; i++) put_sub(&configuration, 7, i, CHIO_DER_BOOLEAN, chio_slice(&yes, 1));
  put_sub(&items, 7, 0, CHIO_DER_SEQUENCE, chio_buf_slice(&configuration));
  chio_der_put(out, CHIO_DER_SEQUENCE, chio_buf_slice(&items));
  if (items.failed || configuration.failed) out->failed = true;
  chio_buf_clear(&items);
  chio_buf_clear(&configuration);
}

/* ---- The PKI ---- */

enum chio_err chio_sim_dcap_make(struct chio_sim_pki *pki) {
  struct chio_buf extension = CHIO_BUF_INIT;
  put_pck_extension(&extension);
  const struct chio_sim_extension own = {PCK_EXTENSION_OID, chio_buf_slice(&extension)};
  const struct chio_sim_cert_spec specs[CHIO_SIM_DCAP_PAIRS] = {
      [CHIO_SIM_DCAP_ROOT] = {.cn = "Chio Simulated SGX Root CA", .days = 10950, .ca = true, .path_len = 1},
      [CHIO_SIM_DCAP_PLATFORM_CA] = {.cn = "Chio Simulated SGX PCK Platform CA", .days = 5475, .ca = true},
      [CHIO_SIM_DCAP_PCK] = {.cn = "Chio Simulated SGX PCK Certificate", .days = 2555, .extensions = &own,
                             .extensions_count = 1},
      [CHIO_SIM_DCAP_TCB_SIGNING] = {.cn = "Chio Simulated SGX TCB Signing", .days = 2555},
  };
  enum chio_err err = chio_buf_err(&extension);
  for (size_t i = 0; i < CHIO_SIM_DCAP_PAIRS && err == CHIO_OK; i++) {
    err = chio_ecdsa_generate("P-256", &pki->pairs[i].key);
    if (err != CHIO_OK) break;
    const struct chio_sim_pair *issuer = i == CHIO_SIM_DCAP_ROOT  ? NULL
                                         : i == CHIO_SIM_DCAP_PCK ? &pki->pairs[CHIO_SIM_DCAP_PLATFORM_CA]
                                                                  : &pki->pairs[CHIO_SIM_DCAP_ROOT];
    err = chio_sim_certify(&pki->pairs[i], issuer, &specs[i]);
    pki->count = i + 1;
  }
  chio_buf_clear(&extension);
  return err;
}

/* ---- The Quoting Enclave ---- */

enum chio_err chio_sim_qe_open(const char *state_dir, const char *name, struct chio_sim_qe *out_qe,
                               struct chio_detail *detail) {
  struct chio_sim_qe qe = {.chain = CHIO_BUF_INIT};
  enum chio_err err = chio_sim_pki_open(state_dir, name, CHIO_SIM_DCAP_PAIRS, chio_sim_dcap_make, &qe.pki, detail);
  if (err != CHIO_OK) return err;
  uint8_t hash[CHIO_SHA256_SIZE];
  memcpy(qe.platform_id, label("chio simulated platform", CHIO_HASH_SHA256, hash).data, sizeof qe.platform_id);
  static const int chain[] = {CHIO_SIM_DCAP_PCK, CHIO_SIM_DCAP_PLATFORM_CA, CHIO_SIM_DCAP_ROOT};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(chain) && err == CHIO_OK; i++) {
    err = chio_cert_append_pem(qe.pki.pairs[chain[i]].cert, &qe.chain);
  }
  if (err == CHIO_OK && RAND_bytes_ex(chio_attest_libctx(), qe.auth_data, sizeof qe.auth_data, 0) != 1) {
    err = CHIO_E_INTERNAL;
  }
  if (err == CHIO_OK) err = chio_ecdsa_generate("P-256", &qe.attestation_key);
  if (err == CHIO_OK) err = chio_ecdsa_public_raw(qe.attestation_key, CHIO_P256_SIZE, qe.attestation_public);
  if (err != CHIO_OK) {
    chio_sim_qe_clear(&qe);
    return err;
  }
  *out_qe = qe;
  return CHIO_OK;
}

void chio_sim_qe_clear(struct chio_sim_qe *qe) {
  chio_sim_pki_clear(&qe->pki);
  EVP_PKEY_free(qe->attestation_key);
  chio_buf_clear(&qe->chain);
  memset(qe, 0, sizeof *qe);
}

void chio_sim_qe_header(const struct chio_sim_qe *qe, uint16_t version, uint32_t tee_type, struct chio_buf *out) {
  static const uint8_t vendor[16] = CHIO_DCAP_QE_VENDOR, rest[4] = {0};
  chio_buf_append_u16le(out, version);
  chio_buf_append_u16le(out, CHIO_DCAP_KEY_TYPE_P256);
  chio_buf_append_u32le(out, tee_type);
  chio_buf_append_u16le(out, version == 3 ? CHIO_SIM_QE_ISVSVN : 0);
  chio_buf_append_u16le(out, version == 3 ? CHIO_SIM_PCESVN : 0);
  chio_buf_append(out, vendor, sizeof vendor);
  chio_buf_append(out, qe->platform_id, sizeof qe->platform_id);
  chio_buf_append(out, rest, sizeof rest);
}

static void put_u16le(uint8_t *at, uint16_t value) {
  at[0] = (uint8_t)value;
  at[1] = (uint8_t)(value >> 8);
}

/* The QE vouches for its attestation key: report data = SHA-256(key || authentication data) || 0. */
static enum chio_err qe_report(const struct chio_sim_qe *qe, bool tdx, uint8_t report[CHIO_DCAP_SGX_SIZE]) {
  static const uint8_t attributes[16] = {0x15, 0, 0, 0, 0, 0, 0, 0, 0xe7}; /* INIT, MODE64, PROVISION_KEY; not DEBUG */
  memset(report, 0, CHIO_DCAP_SGX_SIZE);
  memcpy(report + CHIO_SGX_CPUSVN, tcb_components, sizeof tcb_components);
  memcpy(report + CHIO_SGX_ATTRIBUTES, attributes, sizeof attributes);
  (void)label("chio simulated quoting enclave", CHIO_HASH_SHA256, report + CHIO_SGX_MRENCLAVE);
  (void)label("chio simulated quoting enclave signer", CHIO_HASH_SHA256, report + CHIO_SGX_MRSIGNER);
  put_u16le(report + CHIO_SGX_ISVPRODID, tdx ? 2 : 1);
  put_u16le(report + CHIO_SGX_ISVSVN, CHIO_SIM_QE_ISVSVN);
  const struct chio_slice bound[] = {chio_slice(qe->attestation_public, sizeof qe->attestation_public),
                                     chio_slice(qe->auth_data, sizeof qe->auth_data)};
  return chio_hash_parts(CHIO_HASH_SHA256, bound, CHIO_ARRAY_LEN(bound), report + CHIO_SGX_REPORT_DATA);
}

/* QE report, its signature by the PCK, authentication data, certification data of type 5. */
static enum chio_err put_certification(const struct chio_sim_qe *qe, bool tdx, struct chio_buf *out) {
  uint8_t report[CHIO_DCAP_SGX_SIZE], signature[CHIO_DCAP_SIGNATURE_SIZE];
  enum chio_err err = qe_report(qe, tdx, report);
  if (err != CHIO_OK) return err;
  err = chio_ecdsa_sign_raw(qe->pki.pairs[CHIO_SIM_DCAP_PCK].key, chio_slice(report, sizeof report), CHIO_P256_SIZE,
                            signature);
  if (err != CHIO_OK) return err;
  chio_buf_append(out, report, sizeof report);
  chio_buf_append(out, signature, sizeof signature);
  chio_buf_append_u16le(out, sizeof qe->auth_data);
  chio_buf_append(out, qe->auth_data, sizeof qe->auth_data);
  chio_buf_append_u16le(out, CHIO_DCAP_CERT_PCK_CHAIN);
  chio_buf_append_u32le(out, (uint32_t)qe->chain.len);
  chio_buf_append_slice(out, chio_buf_slice(&qe->chain));
  return chio_buf_err(out);
}

enum chio_err chio_sim_qe_sign(const struct chio_sim_qe *qe, uint16_t version, bool tdx, struct chio_buf *quote) {
  uint8_t signature[CHIO_DCAP_SIGNATURE_SIZE];
  enum chio_err err = chio_ecdsa_sign_raw(qe->attestation_key, chio_buf_slice(quote), CHIO_P256_SIZE, signature);
  if (err != CHIO_OK) return err;
  struct chio_buf certification = CHIO_BUF_INIT;
  err = put_certification(qe, tdx, &certification);
  if (err == CHIO_OK) {
    bool wrapped = version >= 4; /* from v4 on, certification data of type 6 around it */
    size_t outer = wrapped ? 6 : 0;
    chio_buf_append_u32le(quote,
                          (uint32_t)(sizeof signature + sizeof qe->attestation_public + outer + certification.len));
    chio_buf_append(quote, signature, sizeof signature);
    chio_buf_append(quote, qe->attestation_public, sizeof qe->attestation_public);
    if (wrapped) {
      chio_buf_append_u16le(quote, CHIO_DCAP_CERT_QE_REPORT);
      chio_buf_append_u32le(quote, (uint32_t)certification.len);
    }
    chio_buf_append_slice(quote, chio_buf_slice(&certification));
    err = chio_buf_err(quote);
  }
  chio_buf_clear(&certification);
  return err;
}
