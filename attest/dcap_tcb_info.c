#include "attest/dcap_tcb_info.h"

#include "attest/moment.h"
#include <stdio.h>

static const char *const words[] = {
    [CHIO_TCB_UP_TO_DATE] = "UpToDate",
    [CHIO_TCB_SW_HARDENING_NEEDED] = "SWHardeningNeeded",
    [CHIO_TCB_CONFIGURATION_NEEDED] = "ConfigurationNeeded",
    [CHIO_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED] = "ConfigurationAndSWHardeningNeeded",
    [CHIO_TCB_OUT_OF_DATE] = "OutOfDate",
    [CHIO_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED] = "OutOfDateConfigurationNeeded",
    [CHIO_TCB_REVOKED] = "Revoked",
    [CHIO_TCB_RELAUNCH_ADVISED] = "TDRelaunchAdvised",
    [CHIO_TCB_RELAUNCH_ADVISED_CONFIGURATION_NEEDED] = "TDRelaunchAdvisedConfigurationNeeded",
    [CHIO_TCB_NOT_SUPPORTED] = "TCB_NOT_SUPPORTED",
};

const char *chio_tcb_status_word(enum chio_tcb_status status) {
  return words[status];
}

static enum chio_err read_time(const struct chio_json_doc *doc, const struct chio_json *object, const char *name,
                               int64_t *out) {
  struct chio_slice text;
  enum chio_err err = chio_json_string(chio_json_get(doc, object, name), &text);
  return err == CHIO_OK ? chio_moment_parse(text, out) : err;
}

enum chio_err chio_tcb_head_read(const struct chio_json_doc *doc, struct chio_tcb_head *out) {
  const struct chio_json *root = chio_json_root(doc);
  struct chio_tcb_head head;
  enum chio_err err = chio_json_uint(chio_json_get(doc, root, "version"), 3, &head.version);
  if (err == CHIO_OK) err = read_time(doc, root, "issueDate", &head.issued);
  if (err == CHIO_OK) err = read_time(doc, root, "nextUpdate", &head.next_update);
  if (err == CHIO_OK)
    err = chio_json_uint(chio_json_get(doc, root, "tcbEvaluationDataNumber"), 1000000, &head.evaluation);
  if (err == CHIO_OK && head.version < 2) err = CHIO_E_MALFORMED;
  if (err == CHIO_OK) *out = head;
  return err;
}

/* ---- Levels ---- */

static enum chio_err read_level(const struct chio_json_doc *doc, const struct chio_json *level,
                                struct chio_tcb_level *out) {
  const struct chio_json *status = chio_json_get(doc, level, "tcbStatus");
  struct chio_tcb_level found = {.advisories = chio_json_get(doc, level, "advisoryIDs")};
  size_t i = 0;
  while (i <= CHIO_TCB_REVOKED && !chio_json_is(status, words[i])) i++;
  if (i > CHIO_TCB_REVOKED) return CHIO_E_MALFORMED;
  found.status = (enum chio_tcb_status)i;
  if (found.advisories != NULL && found.advisories->type != CHIO_JSON_ARRAY) return CHIO_E_MALFORMED;
  enum chio_err err = read_time(doc, level, "tcbDate", &found.date);
  if (err == CHIO_OK) *out = found;
  return err;
}

/* Version 3: an array of exactly 16 { svn }. */
static enum chio_err read_components(const struct chio_json_doc *doc, const struct chio_json *array, uint8_t out[16]) {
  if (array == NULL || array->type != CHIO_JSON_ARRAY || array->count != 16) return CHIO_E_MALFORMED;
  const struct chio_json *component = chio_json_first(doc, array);
  for (size_t i = 0; i < 16; i++, component = chio_json_next(doc, component)) {
    uint64_t svn;
    enum chio_err err = chio_json_uint(chio_json_get(doc, component, "svn"), 255, &svn);
    if (err != CHIO_OK) return err;
    out[i] = (uint8_t)svn;
  }
  return CHIO_OK;
}

/* Version 2: sgxtcbcomp01svn to sgxtcbcomp16svn. */
static enum chio_err read_components_v2(const struct chio_json_doc *doc, const struct chio_json *tcb, uint8_t out[16]) {
  for (unsigned i = 0; i < 16; i++) {
    char name[24];
    uint64_t svn;
    (void)snprintf(name, sizeof name, "sgxtcbcomp%02usvn", i + 1);
    enum chio_err err = chio_json_uint(chio_json_get(doc, tcb, name), 255, &svn);
    if (err != CHIO_OK) return err;
    out[i] = (uint8_t)svn;
  }
  return CHIO_OK;
}

static enum chio_err platform_reaches(const struct chio_json_doc *doc, const struct chio_json *level,
                                      const struct chio_pck *pck, const uint8_t *tdx_svn, bool *out) {
  const struct chio_json *tcb = chio_json_get(doc, level, "tcb");
  const struct chio_json *components = chio_json_get(doc, tcb, "sgxtcbcomponents");
  uint8_t sgx[16], tdx[16] = {0};
  uint64_t pcesvn;
  enum chio_err err = components != NULL ? read_components(doc, components, sgx) : read_components_v2(doc, tcb, sgx);
  if (err == CHIO_OK) err = chio_json_uint(chio_json_get(doc, tcb, "pcesvn"), 65535, &pcesvn);
  if (err == CHIO_OK && tdx_svn != NULL) err = read_components(doc, chio_json_get(doc, tcb, "tdxtcbcomponents"), tdx);
  if (err != CHIO_OK) return err;
  bool reaches = pcesvn <= pck->pcesvn;
  for (size_t i = 0; i < 16; i++) reaches = reaches && sgx[i] <= pck->tcb[i];
  /* From module version 1 on, the first two bytes are the module's, which has levels of its own. */
  size_t first = tdx_svn != NULL && tdx_svn[1] > 0 ? 2 : 0;
  for (size_t i = first; tdx_svn != NULL && i < 16; i++) reaches = reaches && tdx[i] <= tdx_svn[i];
  *out = reaches;
  return CHIO_OK;
}

/* Every level is read, so that damage below the one that fits shows too. */
enum chio_err chio_tcb_platform_level(const struct chio_json_doc *doc, const struct chio_pck *pck,
                                      const uint8_t *tdx_svn, struct chio_tcb_level *out) {
  const struct chio_json *levels = chio_json_get(doc, chio_json_root(doc), "tcbLevels");
  struct chio_tcb_level found = {.status = CHIO_TCB_NOT_SUPPORTED};
  if (levels == NULL || levels->type != CHIO_JSON_ARRAY || levels->count == 0) return CHIO_E_MALFORMED;
  for (const struct chio_json *l = chio_json_first(doc, levels); l != NULL; l = chio_json_next(doc, l)) {
    struct chio_tcb_level level;
    bool reaches;
    enum chio_err err = read_level(doc, l, &level);
    if (err == CHIO_OK) err = platform_reaches(doc, l, pck, tdx_svn, &reaches);
    if (err != CHIO_OK) return err;
    if (reaches && found.status == CHIO_TCB_NOT_SUPPORTED) found = level;
  }
  *out = found;
  return CHIO_OK;
}

enum chio_err chio_tcb_isvsvn_level(const struct chio_json_doc *doc, const struct chio_json *object, uint64_t svn,
                                    struct chio_tcb_level *out) {
  const struct chio_json *levels = chio_json_get(doc, object, "tcbLevels");
  struct chio_tcb_level found = {.status = CHIO_TCB_NOT_SUPPORTED};
  if (levels == NULL || levels->type != CHIO_JSON_ARRAY || levels->count == 0) return CHIO_E_MALFORMED;
  for (const struct chio_json *l = chio_json_first(doc, levels); l != NULL; l = chio_json_next(doc, l)) {
    struct chio_tcb_level level;
    uint64_t isvsvn;
    enum chio_err err = read_level(doc, l, &level);
    if (err == CHIO_OK)
      err = chio_json_uint(chio_json_get(doc, chio_json_get(doc, l, "tcb"), "isvsvn"), 65535, &isvsvn);
    if (err != CHIO_OK) return err;
    if (isvsvn <= svn && found.status == CHIO_TCB_NOT_SUPPORTED) found = level;
  }
  *out = found;
  return CHIO_OK;
}

enum chio_tcb_status chio_tcb_converge(enum chio_tcb_status platform, enum chio_tcb_status part) {
  if (platform == CHIO_TCB_NOT_SUPPORTED || part == CHIO_TCB_NOT_SUPPORTED) return CHIO_TCB_NOT_SUPPORTED;
  if (platform == CHIO_TCB_REVOKED || part == CHIO_TCB_REVOKED) return CHIO_TCB_REVOKED;
  if (part != CHIO_TCB_OUT_OF_DATE && part != CHIO_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED) return platform;
  switch (platform) {
    case CHIO_TCB_UP_TO_DATE:
    case CHIO_TCB_SW_HARDENING_NEEDED: return CHIO_TCB_OUT_OF_DATE;
    case CHIO_TCB_CONFIGURATION_NEEDED:
    case CHIO_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED: return CHIO_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED;
    default: return platform;
  }
}
