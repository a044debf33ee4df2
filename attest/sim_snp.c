/*
 * sim-snp: SEV-SNP reports (version 5) of a simulated Genoa under a root of its own, with AMD's profile of
 * certificates: RSA-4096 with PSS above, a P-384 chip key with TCB and chip id below. The launch digest is the SHA-384
 * of the measured file. Making the two RSA keys at the first start takes some seconds.
 */
#include "attest/platform_backend.h"

#include "attest/der_write.h"
#include "attest/ecdsa.h"
#include "attest/measurement.h"
#include "attest/sim_pki.h"
#include "attest/sim_snp.h"
#include "attest/snp.h"

#include <stdlib.h>

#include <openssl/rand.h>

struct sim_snp {
  struct chio_sim_pki pki;
  uint8_t measurement[CHIO_SHA384_SIZE];
};

static enum chio_err chip_id(uint8_t out[CHIO_SHA512_SIZE]) {
  return chio_hash_bytes(CHIO_HASH_SHA512, chio_slice_str("chio simulated chip"), out);
}

/* ---- The PKI ---- */

#define VEK_ARC "1.3.6.1.4.1.3704.1."

struct vek_extensions {
  struct chio_sim_extension list[16];
  struct chio_buf values[16];
  size_t count;
};

static void add_value(struct vek_extensions *e, const char *oid) {
  struct chio_buf *value = &e->values[e->count];
  e->list[e->count] = (struct chio_sim_extension){oid, chio_buf_slice(value)};
  e->count++;
}

static void add_number(struct vek_extensions *e, const char *oid, uint32_t value) {
  chio_der_put_uint(&e->values[e->count], CHIO_DER_INTEGER, value);
  add_value(e, oid);
}

static enum chio_err make_extensions(struct vek_extensions *e) {
  uint8_t chip[CHIO_SHA512_SIZE];
  enum chio_err err = chip_id(chip);
  if (err != CHIO_OK) return err;
  add_number(e, VEK_ARC "1", 0);
  chio_der_put(&e->values[e->count], 0x16, chio_slice_str("Genoa"));
  add_value(e, VEK_ARC "2");
  add_number(e, VEK_ARC "3.1", CHIO_SIM_SNP_BOOTLOADER);
  add_number(e, VEK_ARC "3.2", CHIO_SIM_SNP_TEE);
  add_number(e, VEK_ARC "3.4", 0);
  add_number(e, VEK_ARC "3.5", 0);
  add_number(e, VEK_ARC "3.6", 0);
  add_number(e, VEK_ARC "3.7", 0);
  add_number(e, VEK_ARC "3.3", CHIO_SIM_SNP_SNP);
  add_number(e, VEK_ARC "3.8", CHIO_SIM_SNP_MICROCODE);
  chio_buf_append(&e->values[e->count], chip, sizeof chip); /* the bytes themselves, as AMD has it */
  add_value(e, VEK_ARC "4");
  for (size_t i = 0; i < e->count; i++) {
    if (e->values[i].failed) return CHIO_E_NO_MEMORY;
  }
  return CHIO_OK;
}

static enum chio_err make_keys(struct chio_sim_pki *pki) {
  for (int i = CHIO_SIM_SNP_ARK; i <= CHIO_SIM_SNP_ASK; i++) {
    pki->pairs[i].key = EVP_PKEY_Q_keygen(chio_attest_libctx(), NULL, "RSA", (size_t)4096);
    if (pki->pairs[i].key == NULL) return CHIO_E_INTERNAL;
  }
  return chio_ecdsa_generate("P-384", &pki->pairs[CHIO_SIM_SNP_VCEK].key);
}

static enum chio_err make_pki(struct chio_sim_pki *pki) {
  struct vek_extensions extensions = {.count = 0};
  enum chio_err err = make_keys(pki);
  if (err == CHIO_OK) err = make_extensions(&extensions);
  const struct chio_sim_cert_spec specs[CHIO_SIM_SNP_PAIRS] = {
      [CHIO_SIM_SNP_ARK] = {.cn = "ARK-Simulated by chio-hsm", .days = 9131, .ca = true, .path_len = -1},
      [CHIO_SIM_SNP_ASK] = {.cn = "SEV-Genoa", .days = 9131, .ca = true},
      [CHIO_SIM_SNP_VCEK] = {.cn = "SEV-VCEK",
                .days = 2555,
                .bare = true,
                .extensions = extensions.list,
                .extensions_count = extensions.count},
  };
  for (int i = CHIO_SIM_SNP_ARK; i < CHIO_SIM_SNP_PAIRS && err == CHIO_OK; i++) {
    err = chio_sim_certify(&pki->pairs[i], i > CHIO_SIM_SNP_ARK ? &pki->pairs[i - 1] : NULL, &specs[i]);
    pki->count = (size_t)i + 1;
  }
  for (size_t i = 0; i < CHIO_ARRAY_LEN(extensions.values); i++) chio_buf_clear(&extensions.values[i]);
  return err;
}

/* ---- The platform ---- */

static void sim_snp_close(void *self) {
  struct sim_snp *sim = self;
  if (sim == NULL) return;
  chio_sim_pki_clear(&sim->pki);
  free(sim);
}

static enum chio_err sim_snp_open(const struct chio_platform_place *place, void **out_self,
                                  struct chio_detail *detail) {
  struct sim_snp *sim = calloc(1, sizeof *sim);
  if (sim == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = chio_hash_file(CHIO_HASH_SHA384, place->measured_file, sim->measurement);
  if (err != CHIO_OK) err = chio_fail(detail, err, "cannot measure %s", place->measured_file);
  if (err == CHIO_OK) err = chio_sim_pki_open(place->state_dir, "snp", CHIO_SIM_SNP_PAIRS, make_pki, &sim->pki, detail);
  if (err != CHIO_OK) {
    free(sim);
    return err;
  }
  *out_self = sim;
  return CHIO_OK;
}

static void put_u32le(uint8_t *at, uint32_t value) {
  for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> 8 * i);
}

static void put_tcb(uint8_t *at) {
  at[0] = CHIO_SIM_SNP_BOOTLOADER;
  at[1] = CHIO_SIM_SNP_TEE;
  at[6] = CHIO_SIM_SNP_SNP;
  at[7] = CHIO_SIM_SNP_MICROCODE;
}

static enum chio_err fill_report(const struct sim_snp *sim, const uint8_t *report_data, uint8_t *r) {
  static const uint8_t cpuid[3] = {0x19, 0x11, 0x01}, build[3] = {43, 55, 1};
  static const size_t tcbs[] = {CHIO_SNP_CURRENT_TCB, CHIO_SNP_REPORTED_TCB, CHIO_SNP_COMMITTED_TCB,
                                CHIO_SNP_LAUNCH_TCB};
  memset(r, 0, CHIO_SNP_REPORT_SIZE);
  put_u32le(r, 5);
  put_u32le(r + CHIO_SNP_POLICY, (uint32_t)(CHIO_SNP_POLICY_SMT | CHIO_SNP_POLICY_RESERVED_ONE));
  put_u32le(r + CHIO_SNP_SIGNATURE_ALGO, 1);
  put_u32le(r + CHIO_SNP_PLATFORM_INFO, 0x25); /* SMT, ECC, alias check */
  memcpy(r + CHIO_SNP_REPORT_DATA, report_data, CHIO_REPORT_DATA_SIZE);
  memcpy(r + CHIO_SNP_MEASUREMENT, sim->measurement, sizeof sim->measurement);
  memset(r + CHIO_SNP_REPORT_ID_MA, 0xff, 32);
  memcpy(r + CHIO_SNP_CPUID, cpuid, sizeof cpuid);
  memcpy(r + 0x1e8, build, sizeof build);
  memcpy(r + 0x1ec, build, sizeof build);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(tcbs); i++) put_tcb(r + tcbs[i]);
  if (RAND_bytes_ex(chio_attest_libctx(), r + CHIO_SNP_REPORT_ID, 32, 0) != 1) return CHIO_E_INTERNAL;
  return chip_id(r + CHIO_SNP_CHIP_ID);
}

static enum chio_err sim_snp_quote(void *self, const uint8_t report_data[CHIO_REPORT_DATA_SIZE],
                                   struct chio_buf *out_quote, struct chio_detail *detail) {
  const struct sim_snp *sim = self;
  uint8_t report[CHIO_SNP_REPORT_SIZE], rs[2 * CHIO_P384_SIZE];
  enum chio_err err = fill_report(sim, report_data, report);
  if (err == CHIO_OK) {
    err = chio_ecdsa_sign_raw(sim->pki.pairs[CHIO_SIM_SNP_VCEK].key, chio_slice(report, CHIO_SNP_SIGNED_SIZE),
                              CHIO_P384_SIZE, rs);
  }
  if (err != CHIO_OK) {
    return chio_fail(detail, CHIO_E_PLATFORM, "the simulated secure processor cannot sign: %s", chio_err_text(err));
  }
  for (size_t i = 0; i < CHIO_P384_SIZE; i++) { /* little-endian, unlike everyone else's */
    report[CHIO_SNP_SIGNATURE_R + i] = rs[CHIO_P384_SIZE - 1 - i];
    report[CHIO_SNP_SIGNATURE_S + i] = rs[2 * CHIO_P384_SIZE - 1 - i];
  }
  chio_buf_append(out_quote, report, sizeof report);
  return chio_buf_err(out_quote);
}

static enum chio_err sim_snp_certificates(void *self, struct chio_buf *out_pem) {
  const struct sim_snp *sim = self;
  enum chio_err err = CHIO_OK;
  for (int i = CHIO_SIM_SNP_VCEK; i >= CHIO_SIM_SNP_ARK && err == CHIO_OK; i--) {
    err = chio_cert_append_pem(sim->pki.pairs[i].cert, out_pem);
  }
  return err;
}

static enum chio_err sim_snp_root(const void *self, struct chio_buf *out_pem) {
  const struct sim_snp *sim = self;
  return chio_cert_append_pem(sim->pki.pairs[CHIO_SIM_SNP_ARK].cert, out_pem);
}

const struct chio_platform_backend chio_platform_sim_snp = {
    .name = "sim-snp",
    .simulated = true,
    .open = sim_snp_open,
    .close = sim_snp_close,
    .quote = sim_snp_quote,
    .certificates = sim_snp_certificates,
    .root = sim_snp_root,
    .measurement = chio_snp_measurement,
};
