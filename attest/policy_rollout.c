/* [rollout]: the policy that this one is to replace, and how far it is. */
#include "attest/policy_file.h"
#include "attest/policy_rules.h"

#define SHARE_ALL 100

static enum chio_err read_mode(const struct chio_toml_value *table, struct chio_attest_policy *policy,
                               struct chio_detail *detail) {
  struct chio_slice mode = {NULL, 0};
  enum chio_err err = chio_toml_read_string(table, "mode", CHIO_TOML_REQUIRED, 16, detail, &mode);
  if (err != CHIO_OK) return err;
  policy->rollout_shadow = chio_slice_equal(mode, chio_slice_str("shadow"));
  if (policy->rollout_shadow || chio_slice_equal(mode, chio_slice_str("enforce"))) return CHIO_OK;
  return chio_toml_fail(chio_toml_get(table, "mode"), detail, "\"shadow\" or \"enforce\"");
}

static enum chio_err load_previous(const struct chio_toml_value *value, struct chio_attest_policy *policy,
                                   struct chio_detail *detail) {
  char path[CHIO_POLICY_PATH_MAX];
  struct chio_attest_message message = {""};
  struct chio_slice name;
  enum chio_err err = chio_toml_as_string(value, PATH_MAX - 1, detail, &name);
  if (err != CHIO_OK) return err;
  chio_policy_path(policy->name, (const char *)name.data, path);
  if (chio_policy_load_previous(path, &policy->previous, &message) != CHIO_ATTEST_OK)
    return chio_fail(detail, CHIO_E_CONFIG, "%s", message.text);
  return CHIO_OK;
}

enum chio_err chio_policy_read_rollout(const struct chio_toml_value *root, struct chio_attest_policy *policy,
                                       struct chio_detail *detail) {
  const struct chio_toml_value *table = NULL;
  enum chio_err err = chio_toml_read_table(root, "rollout", CHIO_TOML_OPTIONAL, detail, &table);
  if (err != CHIO_OK || table == NULL) return err;
  const struct chio_toml_value *previous = chio_toml_get(table, "previous"), *share = chio_toml_get(table, "share");
  if (policy->no_rollout)
    return chio_toml_fail(table, detail, "no [rollout]: the policy is another one's 'previous', or stands alone");
  err = read_mode(table, policy, detail);
  if (err != CHIO_OK) return err;
  /* Without another policy a share would leave evidence over which nothing decides. */
  if (previous == NULL) return chio_toml_fail(table, detail, "'previous', the policy that decides until this one does");
  policy->rollout_share = SHARE_ALL;
  if (policy->rollout_shadow && share != NULL)
    return chio_toml_fail(share, detail, "no share in shadow: 'previous' decides over all");
  if (!policy->rollout_shadow && share == NULL)
    return chio_toml_fail(table, detail, "'share', the per cent over which this policy decides");
  if (share != NULL) err = chio_toml_as_int(share, 0, SHARE_ALL, detail, &policy->rollout_share);
  return err == CHIO_OK ? load_previous(previous, policy, detail) : err;
}
