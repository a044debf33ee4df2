/* collateral fetch, collateral list: what the signer fetches from the vendors for verifiers of evidence. */
#include "signer/wire/msg_collateral.h"
#include "tools/hsm/evidence.h"
#include "tools/hsm/json.h"
#include "tools/hsm/signer.h"
#include "tools/hsm/text.h"

#include <stdio.h>
#include <string.h>

static enum chio_err ask(struct hsm *hsm, const struct chio_collateral_request *request, struct chio_slice *out_data,
                         struct chio_buf *holder, struct chio_detail *detail) {
  struct chio_collateral_reply reply;
  enum chio_err err = chio_call_collateral(hsm->client, request, &reply, holder, NULL, detail);
  if (err == CHIO_OK) *out_data = reply.data;
  return err;
}

static const char *member(json_t *row, const char *name) {
  const char *text = json_string_value(json_object_get(row, name));
  return text != NULL ? text : "-";
}

static enum chio_err print(struct hsm *hsm, json_t *list) {
  size_t i;
  json_t *row;
  if (hsm->json) return hsm_json_print(json_incref(list));
  if (json_array_size(list) > 0) (void)printf("%-44s %-20s  %s\n", "FILE", "FETCHED", "GOOD UNTIL");
  json_array_foreach(list, i, row) (void)printf("%-44s %-20s  %s%s\n", member(row, "file"), member(row, "fetched"),
                                                member(row, "until"),
                                                json_is_true(json_object_get(row, "expired")) ? " (expired)" : "");
  return CHIO_OK;
}

/* ---- Copies for a verifier: --output names a folder ---- */

static bool is_plain(const char *name) {
  return name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL;
}

static enum chio_err save(struct hsm *hsm, const char *folder, const char *name, struct chio_detail *detail) {
  char path[1024];
  struct chio_slice data;
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  const struct chio_collateral_request request = {.action = CHIO_COLLATERAL_GET, .name = chio_slice_str(name)};
  if (holder == NULL) return CHIO_E_NO_MEMORY;
  if (!is_plain(name) || (size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path)
    return chio_fail(detail, CHIO_E_PROTOCOL, "the signer named a file that is none");
  enum chio_err err = ask(hsm, &request, &data, holder, detail);
  return err != CHIO_OK ? err : hsm_write(path, data, detail);
}

static enum chio_err save_all(struct hsm *hsm, json_t *list, struct chio_detail *detail) {
  const char *folder = hsm->option[HSM_OPT_OUTPUT];
  enum chio_err err = CHIO_OK;
  size_t i;
  json_t *row;
  if (folder == NULL) return CHIO_OK;
  json_array_foreach(list, i, row) {
    const char *chain = json_string_value(json_object_get(row, "chain"));
    if (err == CHIO_OK) err = save(hsm, folder, member(row, "file"), detail);
    if (err == CHIO_OK && chain != NULL) err = save(hsm, folder, chain, detail);
  }
  return err;
}

static enum chio_err run(struct hsm *hsm, const struct chio_collateral_request *request, struct chio_detail *detail) {
  struct chio_slice data;
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  if (holder == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = hsm_client(hsm, detail);
  if (err == CHIO_OK) err = ask(hsm, request, &data, holder, detail);
  if (err != CHIO_OK) return err;
  json_t *list = json_loadb((const char *)data.data, data.len, 0, NULL);
  if (json_is_array(list))
    err = save_all(hsm, list, detail);
  else
    err = chio_fail(detail, CHIO_E_PROTOCOL, "the signer's list of collateral is no list");
  if (err == CHIO_OK) err = print(hsm, list);
  json_decref(list);
  return err;
}

enum chio_err hsm_run_collateral_list(struct hsm *hsm, struct chio_detail *detail) {
  const struct chio_collateral_request request = {.action = CHIO_COLLATERAL_LIST};
  return run(hsm, &request, detail);
}

enum chio_err hsm_run_collateral_fetch(struct hsm *hsm, struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *evidence = chio_buf_new();
  if (evidence == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = CHIO_OK;
  if (hsm->words > 0) err = hsm_read(hsm->word[0], CHIO_COLLATERAL_EVIDENCE_MAX, evidence, detail);
  const struct chio_collateral_request request = {.action = CHIO_COLLATERAL_FETCH,
                                                  .evidence = chio_buf_slice(evidence)};
  return err != CHIO_OK ? err : run(hsm, &request, detail);
}
