/* COLLATERAL: the front end fetches and keeps it; the core knows the evidence that it is for. */
#include "signer/core/call.h"

static enum chio_err own_evidence(struct chio_core *core, struct chio_buf *out) {
  struct chio_birthplace place = chio_evidence_birthplace(core->evidence);
  return chio_evidence_quote(core->evidence, place.boot_name, out);
}

enum chio_err chio_handle_collateral(struct chio_call *call, const void *request, void *reply) {
  const struct chio_collateral_request *r = request;
  struct chio_collateral_reply *answer = reply;
  const struct chio_collateral_source *source = &call->core->config.collateral;
  struct chio_buf *data = chio_call_scratch(call);
  CHIO_AUTO(chio_buf) struct chio_buf *own = chio_buf_new();
  struct chio_slice evidence = r->evidence;
  enum chio_err err = CHIO_OK;
  if (own == NULL) return CHIO_E_NO_MEMORY;
  if (source->serve == NULL)
    return chio_fail(&call->detail, CHIO_E_UNSUPPORTED,
                     "this signer fetches no collateral: see [collateral] in hsm.toml");
  if (r->action == CHIO_COLLATERAL_FETCH && evidence.len == 0) {
    err = own_evidence(call->core, own);
    evidence = chio_buf_slice(own);
  }
  if (err == CHIO_OK) err = source->serve(source->self, r->action, r->name, evidence, data, &call->detail);
  if (err != CHIO_OK) return err;
  answer->data = chio_buf_slice(data);
  return chio_buf_err(data);
}
