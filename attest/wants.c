#include "attest/wants.h"

#include "attest/cert_set.h"
#include "attest/dcap_pck.h"
#include "attest/dcap_quote.h"
#include "attest/json.h"
#include "attest/snp.h"
#include "attest/snp_vek.h"
#include "signer/base/text.h"

#include <stdio.h>

static bool add(struct chio_wants *wants, enum chio_want_source source, const char *path, const char *file,
                const char *chain_header) {
  if (wants->count >= CHIO_WANTS_MAX) return false;
  struct chio_want *want = &wants->list[wants->count++];
  want->source = source;
  want->chain_header = chain_header;
  return (size_t)snprintf(want->path, sizeof want->path, "%s", path) < sizeof want->path &&
         (size_t)snprintf(want->file, sizeof want->file, "%s", file) < sizeof want->file;
}

static void hex_of(struct chio_slice bytes, char *out) {
  for (size_t i = 0; i < bytes.len; i++) (void)snprintf(out + 2 * i, 3, "%02x", bytes.data[i]);
  out[2 * bytes.len] = '\0';
}

/* ---- Intel ---- */

/* The quote's PCK certificate is the leaf of the chain in it. */
static enum chio_err find_pck(const struct chio_cert_set *set, struct chio_pck *out_pck, bool *out_platform,
                              struct chio_detail *detail) {
  for (size_t i = 0; i < set->count; i++) {
    if (!chio_cert_cn_contains(set->certs[i], "SGX PCK Certificate")) continue;
    for (size_t k = 0; k < set->count; k++)
      if (chio_cert_may_issue(set->certs[k], set->certs[i]))
        *out_platform = chio_cert_cn_contains(set->certs[k], "Platform");
    if (!chio_cert_cn_contains(set->certs[i], "Intel"))
      return chio_fail(detail, CHIO_E_UNSUPPORTED, "evidence of a simulated platform: no vendor has collateral for it");
    if (chio_pck_parse(set->certs[i], out_pck) == CHIO_OK) return CHIO_OK;
  }
  return chio_fail(detail, CHIO_E_UNSUPPORTED, "the quote brings no PCK certificate of Intel's");
}

static enum chio_err wants_of_machine(const struct chio_pck *pck, bool platform, bool tdx, struct chio_wants *wants) {
  char fmspc[2 * sizeof pck->fmspc + 1];
  char path[CHIO_WANT_PATH_MAX];
  char file[CHIO_WANT_FILE_MAX];
  const char *tee = tdx ? "tdx" : "sgx";
  const char *ca = platform ? "platform" : "processor";
  hex_of(chio_slice(pck->fmspc, sizeof pck->fmspc), fmspc);
  (void)snprintf(path, sizeof path, "/%s/certification/v4/tcb?fmspc=%s", tee, fmspc);
  (void)snprintf(file, sizeof file, "tcb_info_%s_%s.json", tee, fmspc);
  bool ok = add(wants, CHIO_WANT_PCS, path, file, "tcb-info-issuer-chain");
  (void)snprintf(path, sizeof path, "/%s/certification/v4/qe/identity", tee);
  (void)snprintf(file, sizeof file, "qe_identity_%s.json", tee);
  ok = ok && add(wants, CHIO_WANT_PCS, path, file, "sgx-enclave-identity-issuer-chain");
  (void)snprintf(path, sizeof path, "/sgx/certification/v4/pckcrl?ca=%s&encoding=der", ca);
  (void)snprintf(file, sizeof file, "pck_crl_%s.crl", ca);
  ok = ok && add(wants, CHIO_WANT_PCS, path, file, "sgx-pck-crl-issuer-chain");
  ok = ok && add(wants, CHIO_WANT_INTEL_CRL, "/IntelSGXRootCA.der", "intel_sgx_root.crl", NULL);
  return ok ? CHIO_OK : CHIO_E_INTERNAL;
}

static enum chio_err wants_of_quote(struct chio_slice bytes, struct chio_slice certificates, struct chio_wants *wants,
                                    struct chio_detail *detail) {
  struct chio_dcap_quote quote;
  struct chio_cert_set set = {.count = 0};
  struct chio_pck pck;
  bool platform = false;
  enum chio_err err = chio_dcap_quote_parse(bytes, &quote);
  if (err != CHIO_OK) return chio_fail(detail, CHIO_E_MALFORMED, "the quote does not parse");
  if (quote.cert_type == CHIO_DCAP_CERT_PCK_CHAIN) err = chio_cert_set_add_pem(&set, quote.cert_data, 8);
  if (err == CHIO_OK && certificates.len > 0) err = chio_cert_set_add_pem(&set, certificates, 8);
  if (err == CHIO_OK) err = find_pck(&set, &pck, &platform, detail);
  if (err == CHIO_OK) err = wants_of_machine(&pck, platform, quote.tee_type == CHIO_DCAP_TEE_TDX, wants);
  chio_cert_set_clear(&set);
  return err;
}

/* ---- AMD ---- */

/* What the key's certificate says of the product, where one came along. */
static enum chio_snp_product product_in(struct chio_slice certificates, bool *out_simulated) {
  struct chio_cert_set set = {.count = 0};
  enum chio_snp_product product = CHIO_SNP_UNKNOWN;
  *out_simulated = false;
  if (certificates.len == 0 || chio_cert_set_add_pem(&set, certificates, 16) != CHIO_OK) return CHIO_SNP_UNKNOWN;
  for (size_t i = 0; i < set.count; i++) {
    struct chio_snp_vek vek;
    if (chio_cert_cn_contains(set.certs[i], "imulated")) *out_simulated = true;
    if (chio_snp_vek_parse(set.certs[i], &vek) == CHIO_OK) product = vek.product;
  }
  chio_cert_set_clear(&set);
  return product;
}

static bool add_vcek(const struct chio_snp_report *report, enum chio_snp_product product, struct chio_wants *wants) {
  static const uint8_t masked[64];
  char chip[2 * 64 + 1];
  char path[CHIO_WANT_PATH_MAX];
  char file[CHIO_WANT_FILE_MAX];
  char fmc[16] = "";
  bool turin = product == CHIO_SNP_TURIN;
  struct chio_slice id = chio_snp_field(report, CHIO_SNP_CHIP_ID, turin ? 8 : 64);
  const struct chio_snp_tcb tcb = chio_snp_tcb_at(report, CHIO_SNP_REPORTED_TCB, product);
  if (memcmp(id.data, masked, id.len) == 0) return true; /* the chip does not say who it is: its owner must know */
  hex_of(id, chip);
  if (turin) (void)snprintf(fmc, sizeof fmc, "fmcSPL=%02u&", tcb.fmc);
  (void)snprintf(path, sizeof path, "/vcek/v1/%s/%s?%sblSPL=%02u&teeSPL=%02u&snpSPL=%02u&ucodeSPL=%02u",
                 chio_snp_product_name(product), chip, fmc, tcb.bootloader, tcb.tee, tcb.snp, tcb.microcode);
  (void)snprintf(file, sizeof file, "vcek_%.16s_%02u%02u%02u%02u%02u.der", chip, tcb.fmc, tcb.bootloader, tcb.tee,
                 tcb.snp, tcb.microcode);
  return add(wants, CHIO_WANT_KDS, path, file, NULL);
}

static enum chio_err wants_of_report(struct chio_slice bytes, struct chio_slice certificates,
                                     struct chio_wants *wants, struct chio_detail *detail) {
  struct chio_snp_report report;
  char path[CHIO_WANT_PATH_MAX];
  char file[CHIO_WANT_FILE_MAX];
  bool simulated;
  if (chio_snp_report_parse(bytes, &report) != CHIO_OK)
    return chio_fail(detail, CHIO_E_MALFORMED, "the report does not parse");
  enum chio_snp_product product = product_in(certificates, &simulated);
  if (simulated)
    return chio_fail(detail, CHIO_E_UNSUPPORTED, "evidence of a simulated platform: no vendor has collateral for it");
  if (report.product != CHIO_SNP_UNKNOWN) product = report.product;
  if (product == CHIO_SNP_UNKNOWN)
    return chio_fail(detail, CHIO_E_UNSUPPORTED, "the report does not say of which product the chip is");
  const char *kind = report.signing_key == CHIO_SNP_VLEK ? "vlek" : "vcek";
  const char *name = chio_snp_product_name(product);
  bool ok = report.signing_key == CHIO_SNP_VLEK || add_vcek(&report, product, wants);
  (void)snprintf(path, sizeof path, "/%s/v1/%s/cert_chain", kind, name);
  (void)snprintf(file, sizeof file, "amd_%s_%s_chain.pem", name, kind);
  ok = ok && add(wants, CHIO_WANT_KDS, path, file, NULL);
  (void)snprintf(path, sizeof path, "/%s/v1/%s/crl", kind, name);
  (void)snprintf(file, sizeof file, "amd_%s_%s.crl", name, kind);
  return ok && add(wants, CHIO_WANT_KDS, path, file, NULL) ? CHIO_OK : CHIO_E_INTERNAL;
}

/* ---- Any ---- */

static enum chio_err wants_of_raw(struct chio_slice evidence, struct chio_slice certificates, struct chio_wants *wants,
                                  struct chio_detail *detail) {
  if (chio_dcap_quote_looks_like(evidence)) return wants_of_quote(evidence, certificates, wants, detail);
  if (chio_snp_report_looks_like(evidence)) return wants_of_report(evidence, certificates, wants, detail);
  /* A COSE_Sign1, which Nitro's documents are, tagged or not. */
  if (evidence.len > 1 && (evidence.data[0] == 0x84 || evidence.data[0] == 0xd2)) return CHIO_OK;
  return chio_fail(detail, CHIO_E_UNSUPPORTED, "this is no quote, report or bundle that collateral is known for");
}

/* The quote in a bundle, and the certificates beside it. */
static enum chio_err wants_of_bundle(struct chio_slice evidence, struct chio_wants *wants,
                                     struct chio_detail *detail) {
  struct chio_json_doc *doc = NULL;
  struct chio_buf quote = CHIO_BUF_INIT;
  struct chio_slice text = {NULL, 0};
  struct chio_slice certificates = {NULL, 0};
  if (chio_json_parse(evidence, &doc) != CHIO_OK)
    return chio_fail(detail, CHIO_E_MALFORMED, "the evidence is no JSON");
  const struct chio_json *material = chio_json_get(doc, chio_json_root(doc), "verificationMaterial");
  const struct chio_json *boot = chio_json_get(doc, material, "chioBoot");
  enum chio_err err = chio_json_string(chio_json_get(doc, boot, "quote"), &text);
  if (err == CHIO_OK) err = chio_base64_decode(text, false, &quote);
  (void)!chio_json_string(chio_json_get(doc, boot, "certificates"), &certificates);
  if (err == CHIO_OK)
    err = wants_of_raw(chio_buf_slice(&quote), certificates, wants, detail);
  else
    err = chio_fail(detail, CHIO_E_MALFORMED, "the evidence has no quote");
  chio_buf_clear(&quote);
  chio_json_free(doc);
  return err;
}

enum chio_err chio_wants_of(struct chio_slice evidence, struct chio_slice certificates, struct chio_wants *out_wants,
                            struct chio_detail *detail) {
  struct chio_wants wants = {.count = 0};
  bool json = evidence.len > 0 && evidence.data[0] == '{';
  enum chio_err err = json ? wants_of_bundle(evidence, &wants, detail)
                           : wants_of_raw(evidence, certificates, &wants, detail);
  if (err == CHIO_OK) *out_wants = wants;
  return err;
}

static int digit(uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

enum chio_err chio_want_decode_chain(struct chio_slice header, struct chio_buf *out_pem) {
  for (size_t i = 0; i < header.len; i++) {
    if (header.data[i] != '%') {
      chio_buf_append_u8(out_pem, header.data[i]);
      continue;
    }
    int high = i + 2 < header.len ? digit(header.data[i + 1]) : -1;
    int low = i + 2 < header.len ? digit(header.data[i + 2]) : -1;
    if (high < 0 || low < 0) return CHIO_E_MALFORMED;
    chio_buf_append_u8(out_pem, (uint8_t)(high * 16 + low));
    i += 2;
  }
  return chio_buf_err(out_pem);
}
