/* Collateral: whatever it is, it is taken or refused, and a list that was taken answers. */
#include "attest/collateral.h"
#include "attest/dcap_tcb_info.h"
#include "tests/fuzz/fuzz.h"

static void use(const struct chio_attest_collateral *c) {
  const struct chio_pck pck = {.pcesvn = 11, .tcb = {3, 3, 2, 2, 4, 1, 0, 5}};
  static const uint8_t tdx_svn[16] = {6, 1, 3}, serial[] = {1};
  struct chio_tcb_level level;
  struct chio_tcb_head head;
  bool found;
  for (size_t i = 0; i < c->crls_count; i++) (void)!chio_crl_contains(&c->crls[i].crl, chio_slice(serial, 1), &found);
  for (size_t i = 0; i < c->documents_count; i++) {
    const struct chio_json_doc *doc = c->documents[i].json;
    (void)!chio_tcb_head_read(doc, &head);
    (void)!chio_tcb_platform_level(doc, &pck, NULL, &level);
    (void)!chio_tcb_platform_level(doc, &pck, tdx_svn, &level);
    (void)!chio_tcb_isvsvn_level(doc, chio_json_root(doc), 5, &level);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct chio_attest_collateral *c = NULL;
  FUZZ_HOLDS(chio_attest_collateral_new(&c) == CHIO_ATTEST_OK);
  (void)chio_attest_collateral_add(c, data, size);
  use(c);
  chio_attest_collateral_free(c);
  return 0;
}
