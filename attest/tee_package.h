/*
 * Evidence as the Go package "tee" writes it: a report in JSON around a quote, and its stub quote, which nobody signs.
 *
 *   {"tee_type":"tdx","pubkey":"<130 hex>","model_hash":"<hex>","quote":"<base64>","timestamp":1700000000}
 *   {"timestamp":1700000000,"type":"stub","user_data":"<64 hex>"}
 *
 * The report binds its key by profile tee-v1. Nothing signs the time.
 */
#ifndef CHIO_ATTEST_TEE_PACKAGE_H
#define CHIO_ATTEST_TEE_PACKAGE_H

#include "attest/json.h"
#include "signer/base/buf.h"

#define CHIO_TEE_POINT_SIZE 65u
#define CHIO_TEE_HASH_MAX 64u
#define CHIO_TEE_USER_DATA_SIZE 32u

struct chio_judge;

struct chio_tee_report {
  char type[8]; /* "tdx", "snp", "nitro", "stub" */
  uint8_t point[CHIO_TEE_POINT_SIZE];
  uint8_t model_hash[CHIO_TEE_HASH_MAX];
  size_t model_hash_len;
  struct chio_buf quote; /* owned */
  uint64_t timestamp;
};

/* Whether the object has the members of a report, or is a stub quote. */
bool chio_tee_report_looks_like(const struct chio_json_doc *doc);
bool chio_tee_stub_looks_like(const struct chio_json_doc *doc);

/* Each member once, no other. CHIO_E_MALFORMED; CHIO_E_UNSUPPORTED: a type of TEE that the package does not have. The
 * caller clears out->quote. */
CHIO_MUST_CHECK enum chio_err chio_tee_report_parse(const struct chio_json_doc *doc, struct chio_tee_report *out);

/* Reads a stub quote. CHIO_E_MALFORMED. */
CHIO_MUST_CHECK enum chio_err chio_tee_stub_parse(const struct chio_json_doc *doc,
                                                  uint8_t user_data[CHIO_TEE_USER_DATA_SIZE], uint64_t *out_timestamp);

/* The report as the package's MarshalReport writes it. */
void chio_tee_report_put(const struct chio_tee_report *report, struct chio_buf *out);

/* A stub quote, which nobody signs, as the package writes it. */
void chio_tee_stub_put(const uint8_t user_data[CHIO_TEE_USER_DATA_SIZE], uint64_t timestamp, struct chio_buf *out);

/* A P-256 point as SubjectPublicKeyInfo, DER. */
#define CHIO_TEE_SPKI_SIZE 91u
void chio_tee_spki(const uint8_t point[CHIO_TEE_POINT_SIZE], uint8_t out[CHIO_TEE_SPKI_SIZE]);

void chio_judge_tee_report(struct chio_judge *j, const struct chio_json_doc *doc);
void chio_judge_tee_stub(struct chio_judge *j, const struct chio_json_doc *doc);

#endif
