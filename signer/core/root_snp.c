#include "signer/core/root_snp.h"

#include "attest/hardware.h"
#include "attest/node.h"
#include "attest/snp.h"
#include "signer/base/cursor.h"
#include "signer/core/root_wrapped.h"

#define FIELDS \
  (CHIO_SNP_KEY_POLICY | CHIO_SNP_KEY_MEASUREMENT | CHIO_SNP_KEY_GUEST_SVN | CHIO_SNP_KEY_TCB_VERSION)
#define FACTS_SIZE 28u

static enum chio_err put_facts(const struct chio_snp_key_req *req, uint8_t *out_facts) {
  struct chio_buf facts = CHIO_BUF_INIT;
  chio_buf_append_u32le(&facts, req->root_key);
  chio_buf_append_u64le(&facts, req->fields);
  chio_buf_append_u32le(&facts, req->vmpl);
  chio_buf_append_u32le(&facts, req->guest_svn);
  chio_buf_append_u64le(&facts, req->tcb_version);
  enum chio_err err = chio_buf_err(&facts);
  if (err == CHIO_OK) memcpy(out_facts, facts.data, FACTS_SIZE);
  chio_buf_clear(&facts);
  return err;
}

/* What this guest is now: its SVN, and the TCB below which the chip does not go back. */
static enum chio_err describe(const void *source, uint8_t *out_facts, struct chio_detail *detail) {
  static const uint8_t nothing[CHIO_REPORT_DATA_SIZE];
  struct chio_buf report = CHIO_BUF_INIT, table = CHIO_BUF_INIT;
  struct chio_snp_key_req req = {.root_key = CHIO_SNP_KEY_ROOT_VCEK, .fields = FIELDS};
  enum chio_err err = chio_sev_guest_report(source, nothing, &report, &table, detail);
  if (err == CHIO_OK) {
    struct chio_cursor svn = chio_cursor(chio_slice(report.data + 4, 4));
    struct chio_cursor tcb = chio_cursor(chio_slice(report.data + CHIO_SNP_COMMITTED_TCB, 8));
    err = chio_cursor_u32le(&svn, &req.guest_svn);
    if (err == CHIO_OK) err = chio_cursor_u64le(&tcb, &req.tcb_version);
  }
  chio_buf_clear(&report);
  chio_buf_clear(&table);
  return err == CHIO_OK ? put_facts(&req, out_facts) : err;
}

/* The facts choose the key: with fewer fields than ours another guest on this chip could have it too. */
static enum chio_err derive(const void *source, const uint8_t *facts, struct chio_secret **out_key,
                            struct chio_detail *detail) {
  struct chio_cursor c = chio_cursor(chio_slice(facts, FACTS_SIZE));
  struct chio_snp_key_req req = {.root_key = 0};
  enum chio_err err = chio_cursor_u32le(&c, &req.root_key);
  if (err == CHIO_OK) err = chio_cursor_u64le(&c, &req.fields);
  if (err == CHIO_OK) err = chio_cursor_u32le(&c, &req.vmpl);
  if (err == CHIO_OK) err = chio_cursor_u32le(&c, &req.guest_svn);
  if (err == CHIO_OK) err = chio_cursor_u64le(&c, &req.tcb_version);
  if (err != CHIO_OK) return err;
  if (req.root_key != CHIO_SNP_KEY_ROOT_VCEK || req.fields != FIELDS)
    return chio_fail(detail, CHIO_E_SEAL, "root.snp asks for a key that is not bound to policy and measurement");
  return chio_sev_guest_derived_key(source, &req, out_key, detail);
}

static const struct chio_root_wrapper wrapper = {
    .name = "root.snp",
    .otherwise = "another chip, image, guest policy or firmware than those it was made with",
    .facts_size = FACTS_SIZE,
    .describe = describe,
    .derive = derive,
};

enum chio_err chio_root_snp_open_on(const struct chio_sev_guest *device, const char *dir,
                                    struct chio_secret **out_root, struct chio_detail *detail) {
  return chio_root_wrapped_open(&wrapper, device, dir, out_root, detail);
}

enum chio_err chio_root_snp_open(const char *dir, struct chio_secret **out_root, struct chio_detail *detail) {
  return chio_root_snp_open_on(&chio_hardware_kernel.snp.device, dir, out_root, detail);
}

enum chio_err chio_root_snp_prepare(struct chio_detail *detail) {
  return chio_node_keep(chio_hardware_kernel.snp.device.path, detail);
}
