#include "tests/unit/vault_rig.h"

#include <stdio.h>

void vault_rig_write(const char *path, const char *text) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_true(fputs(text, file) >= 0);
  assert_int_equal(fclose(file), 0);
}

void vault_rig_open(struct vault_rig *rig, struct chio_backend_options options, const struct http_script_reply *replies,
                     size_t count) {
  *rig = (struct vault_rig){.detail = {.text = ""}};
  assert_true(temp_dir_make(&rig->dir));
  vault_rig_write(temp_dir_file(&rig->dir, "token", rig->token_file), "hvs.first\n");
  vault_rig_write(temp_dir_file(&rig->dir, "secret", rig->secret_file), "the \"secret\" id\n");
  assert_int_equal(chio_http_new(&rig->http), CHIO_OK);
  rig->script = http_script_start(replies, count);
  options.name = "test";
  options.endpoint = http_script_url(rig->script);
  options.token_file = rig->token_file;
  if (options.secret_file != NULL) options.secret_file = rig->secret_file;
  enum chio_err err = chio_vault_ops.open(&options, rig->http, &rig->vault, &rig->detail);
  if (err != CHIO_OK) fail_msg("%s", rig->detail.text);
}

void vault_rig_close(struct vault_rig *rig) {
  assert_null(strstr(rig->detail.text, "hvs."));
  chio_vault_ops.close(rig->vault);
  http_script_stop(rig->script);
  chio_http_free(rig->http);
  temp_dir_remove(&rig->dir);
}

struct chio_key_uri uri_of(const char *text) {
  struct chio_key_uri uri;
  assert_int_equal(chio_key_uri_parse(text, &uri, NULL), CHIO_OK);
  return uri;
}
