#include "tools/hsm/json.h"
#include "tools/hsm/signer.h"
#include "tools/hsm/text.h"

#include <jansson.h>
#include <stdio.h>

static void print_value(const char *name, json_t *value) {
  char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
  if (json_is_string(value))
    (void)printf("%-20s %s\n", name, json_string_value(value));
  else if (json_is_array(value))
    (void)printf("%-20s %zu\n", name, json_array_size(value)); /* --json and token list tell more */
  else
    (void)printf("%-20s %s\n", name, text != NULL ? text : "");
  free(text);
}

enum chio_err hsm_run_status(struct hsm *hsm, struct chio_detail *detail) {
  enum chio_err err = hsm_client(hsm, detail);
  if (err != CHIO_OK) return err;
  struct chio_status_reply reply;
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  if (holder == NULL) return CHIO_E_NO_MEMORY;
  err = chio_call_status(hsm->client, NULL, &reply, holder, NULL, detail);
  if (err != CHIO_OK) return err;
  json_t *status = json_loadb((const char *)reply.json.data, reply.json.len, 0, NULL);
  if (!json_is_object(status)) {
    json_decref(status);
    return chio_fail(detail, CHIO_E_PROTOCOL, "the signer's status is not a JSON object");
  }
  char endpoint[1024];
  chio_client_endpoint(hsm->client, endpoint, sizeof endpoint);
  (void)json_object_set_new(status, "endpoint", json_string(endpoint));
  if (hsm->json) return hsm_json_print(status);
  const char *name;
  json_t *value;
  json_object_foreach(status, name, value) print_value(name, value);
  json_decref(status);
  return CHIO_OK;
}
