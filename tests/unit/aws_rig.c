#include "tests/unit/aws_rig.h"

#include <stdlib.h>
#include <string.h>

struct rig rig_start(const struct http_script_reply *replies, size_t count) {
  struct rig rig = {NULL, http_script_start(replies, count), NULL, chio_deadline_in(20000)};
  const struct chio_backend_options options = {
      .name = "test", .endpoint = http_script_url(rig.script), .region = "us-east-1"};
  assert_int_equal(setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1), 0);
  assert_int_equal(setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", 1), 0);
  assert_int_equal(chio_http_new(&rig.http), CHIO_OK);
  assert_int_equal(chio_aws_ops.open(&options, rig.http, &rig.aws, NULL), CHIO_OK);
  return rig;
}

void rig_stop(struct rig *rig) {
  chio_aws_ops.close(rig->aws);
  chio_http_free(rig->http);
  http_script_stop(rig->script);
}

struct chio_key_uri uri_of(const char *text) {
  struct chio_key_uri uri;
  assert_int_equal(chio_key_uri_parse(text, &uri, NULL), CHIO_OK);
  return uri;
}

bool body_has(struct rig *rig, size_t number, const char *text) {
  return strstr(http_script_asked(rig->script, number)->body, text) != NULL;
}
