#include "tools/hsm/json.h"
#include "tools/hsm/signer.h"
#include "tools/hsm/text.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define NAME_MAX_LEN 128

static void print_value(const char *name, json_t *value);

/* "kmsd.state", and for a list of named things "kmsd.vault.state". */
static void print_members(const char *prefix, json_t *object) {
  const char *member;
  json_t *value;
  char name[NAME_MAX_LEN];
  json_object_foreach(object, member, value) {
    if (strcmp(member, "name") == 0) continue;
    (void)snprintf(name, sizeof name, "%s.%s", prefix, member);
    print_value(name, value);
  }
}

static void print_backends(const char *prefix, json_t *list) {
  size_t i;
  json_t *backend;
  char name[NAME_MAX_LEN];
  json_array_foreach(list, i, backend) {
    const char *own = json_string_value(json_object_get(backend, "name"));
    (void)snprintf(name, sizeof name, "%s.%s", prefix, own != NULL ? own : "");
    print_members(name, backend);
  }
}

static void print_value(const char *name, json_t *value) {
  char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
  if (json_is_string(value))
    (void)printf("%-20s %s\n", name, json_string_value(value));
  else if (json_is_object(value))
    print_members(name, value);
  else if (json_is_array(value) && json_is_string(json_object_get(json_array_get(value, 0), "name")))
    print_backends(name, value);
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
