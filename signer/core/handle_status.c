/* STATUS: one JSON object, written by hand: it has no member that comes from outside but the labels. */
#include "signer/base/build_id.h"
#include "signer/core/call.h"
#include "signer/core/rotation_lag.h"
#include "signer/core/crypto_context.h"

#include <config.h>
#include <sodium.h>
#include <time.h>

static void append_text(struct chio_buf *json, const char *text) {
  chio_buf_append_u8(json, '"');
  for (const char *c = text; *c != '\0'; c++) {
    if (*c == '"' || *c == '\\') chio_buf_append_u8(json, '\\');
    if ((unsigned char)*c < ' ')
      chio_buf_printf(json, "\\u%04x", (unsigned)(unsigned char)*c);
    else
      chio_buf_append_u8(json, (uint8_t)*c);
  }
  chio_buf_append_u8(json, '"');
}

static void append_member(struct chio_buf *json, const char *name, const char *text) {
  chio_buf_printf(json, ",\"%s\":", name);
  append_text(json, text);
}

static void append_slot(struct chio_buf *json, struct chio_core *core, struct chio_slot *slot) {
  struct chio_token_row row = chio_slot_row(slot);
  bool corrupt = atomic_load(&slot->corrupt);
  chio_buf_printf(json, "{\"slot\":%u,\"initialized\":%s", slot->number, row.initialized ? "true" : "false");
  append_member(json, "label", row.label);
  append_member(json, "serial", row.serial);
  append_member(json, "state", corrupt ? "corrupt" : "ok");
  chio_buf_printf(json, ",\"objects\":%llu", (unsigned long long)chio_store_objects_count(core->store, slot->number));
  chio_buf_printf(json, ",\"rotation_lag_seconds\":%llu",
                  (unsigned long long)chio_rotation_lag(core, slot, (uint64_t)time(NULL)));
  chio_buf_printf(json, ",\"signatures\":%llu}", atomic_load(&slot->signatures));
}

static void append_evidence(struct chio_buf *json, struct chio_core *core) {
  char measurement[2 * CHIO_MEASUREMENT_MAX + 1];
  struct chio_birthplace place = chio_evidence_birthplace(core->evidence);
  (void)sodium_bin2hex(measurement, sizeof measurement, place.measurement.data, place.measurement.len);
  append_member(json, "tee", place.tee);
  chio_buf_printf(json, ",\"simulated\":%s", chio_platform_is_simulated(core->platform) ? "true" : "false");
  append_member(json, "measurement", measurement);
  append_member(json, "attestation_key", place.key_id);
  append_member(json, "manifest", place.manifest);
  append_member(json, "evidence", core->boot.id);
  append_member(json, "firmware", core->boot.firmware);
}

static void append_crypto(struct chio_buf *json) {
  char module[128];
  if (!chio_crypto_is_fips()) return;
  chio_fips_describe(chio_crypto_context(), module, sizeof module);
  append_member(json, "fips", module);
}

static void append_front_end(struct chio_buf *json, struct chio_core *core) {
  (void)pthread_mutex_lock(&core->lock);
  void (*add)(void *, struct chio_buf *) = core->add_status;
  void *arg = core->add_status_arg;
  (void)pthread_mutex_unlock(&core->lock);
  if (add == NULL) return;
  chio_buf_append_u8(json, ',');
  add(arg, json);
}

enum chio_err chio_handle_status(struct chio_call *call, const void *request, void *reply) {
  struct chio_status_reply *r = reply;
  struct chio_core *core = call->core;
  struct chio_buf *json = chio_call_scratch(call);
  char instance[CHIO_UID_HEX + 1], build[CHIO_BUILD_ID_HEX + 1];
  (void)request;
  chio_uid_hex(&core->instance, instance);
  chio_buf_printf(json, "{\"version\":\"%s\",\"protocol\":%u", PACKAGE_VERSION, CHIO_PROTOCOL_VERSION);
  append_member(json, "instance", instance);
  chio_build_id(build);
  append_member(json, "build", build);
  chio_buf_printf(json, ",\"started\":%llu,\"now\":%llu", (unsigned long long)core->started,
                  (unsigned long long)time(NULL));
  append_evidence(json, core);
  append_member(json, "seal", chio_seal_provider(core->seal));
  append_crypto(json);
  chio_buf_printf(json, ",\"read_only\":%s,\"loaded_objects\":%zu", core->config.read_only ? "true" : "false",
                  chio_object_table_count(core->objects));
  chio_buf_append_str(json, ",\"slots\":[");
  for (size_t i = 0; i < core->slot_count; i++) {
    if (i > 0) chio_buf_append_u8(json, ',');
    append_slot(json, core, &core->slots[i]);
  }
  chio_buf_append_u8(json, ']');
  append_front_end(json, core);
  chio_buf_append_u8(json, '}');
  r->json = chio_buf_slice(json);
  return chio_buf_err(json);
}
