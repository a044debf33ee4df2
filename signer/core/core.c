#include "signer/core/call.h"
#include "signer/core/crypto_context.h"
#include "signer/core/housekeeper.h"
#include "signer/core/renewal.h"
#include "signer/core/root_kms.h"
#include "signer/core/state_lock.h"

#include "attest/crypto.h"
#include "signer/base/log.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

void chio_core_config_default(struct chio_core_config *config) {
  *config = (struct chio_core_config){.platform = "auto",
                                      .seal = "file",
                                      .slots = 1,
                                      .pin_min = CHIO_PIN_MIN,
                                      .pin_failures_delay = 3,
                                      .pin_failures_lock = 10,
                                      /* PKCS #11 knows no end of a login; renewed when half is over. */
                                      .ticket_lifetime = 30 * 24 * 3600,
                                      .cache_objects = 10000,
                                      .evidence_objects = true,
                                      .argon2_ops = 3,
                                      .argon2_memory = 64u * 1024u * 1024u};
}

static enum chio_err check_config(const struct chio_core_config *config, struct chio_detail *detail) {
  if (config->state_dir == NULL || config->state_dir[0] == '\0')
    return chio_fail(detail, CHIO_E_CONFIG, "no state folder is named");
  if (config->slots < 1 || config->slots > CHIO_SLOTS_MAX)
    return chio_fail(detail, CHIO_E_CONFIG, "slots must be 1 to %u", CHIO_SLOTS_MAX);
  if (config->backend_count > 0 && config->slots > CHIO_BACKEND_SLOT_FIRST)
    return chio_fail(detail, CHIO_E_CONFIG, "beside backends, slots must be 1 to %u", CHIO_BACKEND_SLOT_FIRST);
  if (config->pin_min < CHIO_PIN_MIN || config->pin_min > CHIO_PIN_MAX)
    return chio_fail(detail, CHIO_E_CONFIG, "the least PIN length must be %u to %u", CHIO_PIN_MIN, CHIO_PIN_MAX);
  return CHIO_OK;
}

/* Generations of one run never meet those of another: a client that reconnects sees that its caches are old. */
static uint64_t first_generation(void) {
  return ((uint64_t)randombytes_random() << 32) | 1u;
}

static enum chio_err open_slots(struct chio_core *core, struct chio_detail *detail) {
  size_t count = core->config.slots + core->config.backend_count;
  core->slots = calloc(count, sizeof *core->slots);
  if (core->slots == NULL) return CHIO_E_NO_MEMORY;
  core->slot_count = count;
  for (size_t i = 0; i < count; i++) {
    struct chio_slot *slot = &core->slots[i];
    slot->number = (uint32_t)i;
    (void)pthread_mutex_init(&slot->change, NULL);
    (void)pthread_mutex_init(&slot->row_lock, NULL);
    chio_label_claims_init(&slot->claims);
    atomic_init(&slot->generation, first_generation());
  }
  enum chio_err err = chio_backends_open(core, detail);
  for (size_t i = 0; err == CHIO_OK && i < count; i++) {
    struct chio_slot *slot = &core->slots[i];
    err = chio_store_token_load(core->store, slot->number, &slot->row, detail);
    if (err == CHIO_OK && slot->backend != NULL) err = chio_backend_own_token(core, slot, detail);
    atomic_init(&slot->initialized, slot->row.initialized);
  }
  return err;
}

struct chio_slot *chio_core_slot(struct chio_core *core, uint32_t number) {
  if (number < core->config.slots) return &core->slots[number];
  for (size_t i = core->config.slots; i < core->slot_count; i++)
    if (core->slots[i].number == number) return &core->slots[i];
  return NULL;
}

static enum chio_err open_platform(struct chio_core *core, const struct chio_core_config *config,
                                   struct chio_detail *detail) {
  if (core->platform != NULL) return CHIO_OK;
  return chio_platform_open(config->platform, config->state_dir, config->measured_file, &core->platform, detail);
}

/* A KMS may want evidence before there is a store. */
static enum chio_err open_seal(struct chio_core *core, const struct chio_core_config *config,
                               struct chio_detail *detail) {
  if (strcmp(config->seal, "kms") != 0) return chio_seal_open(config->seal, config->state_dir, &core->seal, detail);
  enum chio_err err = open_platform(core, config, detail);
  if (err != CHIO_OK) return err;
  const struct chio_root_kms source = {.reach = &config->reach,
                                       .platform = config->seal_evidence ? core->platform : NULL,
                                       .backend = config->seal_backend,
                                       .key = config->seal_key,
                                       .attestation = config->seal_attestation,
                                       .signer_ca_file = config->seal_signer_ca_file,
                                       .certificates = config->seal_certificates,
                                       .endorsements = config->seal_endorsements};
  return chio_seal_open_kms(&source, config->state_dir, &core->seal, detail);
}

static enum chio_err open_parts(struct chio_core *core, const struct chio_core_config *config,
                                struct chio_detail *detail) {
  const char *dir = config->state_dir;
  enum chio_err err = chio_state_lock(dir, &core->lock_fd, detail);
  if (err == CHIO_OK) err = chio_crypto_init();
  if (err == CHIO_OK && chio_crypto_is_fips()) chio_attest_share_libctx(chio_crypto_context());
  if (err == CHIO_OK) err = open_seal(core, config, detail);
  if (err == CHIO_OK) err = chio_store_open(dir, core->seal, &core->store, detail);
  if (err == CHIO_OK) err = open_slots(core, detail);
  if (err == CHIO_OK) err = chio_users_new(core->store, core->seal, config, &core->users);
  for (size_t i = 0; err == CHIO_OK && i < core->slot_count; i++)
    if (chio_slot_is_open(&core->slots[i])) chio_users_open_slot(core->users, core->slots[i].number);
  if (err == CHIO_OK) err = chio_object_table_new(core->store, config->cache_objects, &core->objects);
  if (err == CHIO_OK) err = open_platform(core, config, detail);
  if (err == CHIO_OK) err = chio_evidence_open(core->platform, core->store, config->manifest, &core->evidence, detail);
  if (err == CHIO_OK) err = chio_evidence_contracts(core->evidence, config->contracts, config->contract_count, detail);
  if (err == CHIO_OK) err = chio_boot_facts_read(core->evidence, &core->boot);
  return err;
}

static void audit_slot(struct chio_core *core, struct chio_slot *slot) {
  struct chio_detail detail = {""};
  if (!atomic_load(&slot->initialized)) return;
  enum chio_err err = chio_store_audit(core->store, slot->number, &detail);
  if (err == CHIO_OK) return;
  if (err == CHIO_E_STORE_CORRUPT) {
    atomic_store(&slot->corrupt, true);
    chio_slot_changed(slot);
  }
  const char *what = err == CHIO_E_STORE_CORRUPT
                         ? "the store was changed behind the signer's back: the slot serves no more requests"
                         : "the store could not be audited";
  chio_log(CHIO_LOG_ERROR, "store.audit", what, CHIO_F_UINT("slot", slot->number),
           CHIO_F_STR("error", chio_err_name(err)), CHIO_F_STR("detail", detail.text));
}

static void *audit(void *arg) {
  struct chio_core *core = arg;
  for (size_t i = 0; i < core->slot_count && !atomic_load(&core->closing); i++) audit_slot(core, &core->slots[i]);
  return NULL;
}

/* What is good for a developer's machine alone is said each time. */
static void warn(const struct chio_core *core) {
  if (chio_platform_is_simulated(core->platform))
    chio_log(CHIO_LOG_WARNING, "platform.simulated",
             "evidence is simulated: it proves nothing to a verifier that does not name this very root",
             CHIO_F_STR("platform", chio_platform_name(core->platform)));
  if (strcmp(chio_seal_provider(core->seal), "file") == 0)
    chio_log(CHIO_LOG_WARNING, "seal.file",
             "the sealing root lies in the clear in the state folder: whoever reads the folder has the keys");
}

enum chio_err chio_core_prepare(const struct chio_core_config *config, uid_t uid, gid_t gid,
                                struct chio_detail *detail) {
  enum chio_err err = chio_seal_prepare(config->seal, detail);
  return err == CHIO_OK ? chio_platform_prepare(config->platform, uid, gid, detail) : err;
}

enum chio_err chio_core_open(const struct chio_core_config *config, struct chio_core **out_core,
                             struct chio_detail *detail) {
  enum chio_err err = check_config(config, detail);
  if (err != CHIO_OK) return err;
  if (sodium_init() < 0) return chio_fail(detail, CHIO_E_INTERNAL, "libsodium does not start");
  struct chio_core *core = calloc(1, sizeof *core);
  if (core == NULL) return CHIO_E_NO_MEMORY;
  core->config = *config;
  core->lock_fd = -1;
  core->started = (uint64_t)time(NULL);
  (void)pthread_mutex_init(&core->lock, NULL);
  (void)pthread_mutex_init(&core->renewals_lock, NULL);
  chio_uid_make(&core->instance);
  err = open_parts(core, config, detail);
  if (err != CHIO_OK) {
    chio_core_close(core);
    return err;
  }
  /* What the caller's strings say was taken; they may go. */
  core->config.state_dir = core->config.platform = core->config.seal = NULL;
  core->config.seal_backend = core->config.seal_key = NULL;
  core->config.seal_attestation = core->config.seal_signer_ca_file = NULL;
  core->config.seal_certificates = core->config.seal_endorsements = NULL;
  core->config.measured_file = core->config.manifest = NULL;
  core->config.backends = NULL;
  warn(core);
  if (config->audit) core->auditing = pthread_create(&core->audit, NULL, audit, core) == 0;
  if (config->housekeeping) err = chio_housekeeper_start(core, &core->housekeeper);
  if (err != CHIO_OK) {
    chio_core_close(core);
    return err;
  }
  *out_core = core;
  return CHIO_OK;
}

static void close_slots(struct chio_core *core) {
  for (size_t i = 0; core->slots != NULL && i < core->slot_count; i++) {
    (void)pthread_mutex_destroy(&core->slots[i].change);
    (void)pthread_mutex_destroy(&core->slots[i].row_lock);
    chio_label_claims_destroy(&core->slots[i].claims);
  }
  free(core->slots);
  chio_backends_close(core);
}

void chio_core_close(struct chio_core *core) {
  if (core == NULL) return;
  atomic_store(&core->closing, true);
  if (core->auditing) (void)pthread_join(core->audit, NULL);
  chio_housekeeper_stop(core->housekeeper);
  while (core->clients != NULL) {
    struct chio_client *next = core->clients->next;
    free(core->clients);
    core->clients = next;
  }
  chio_object_table_free(core->objects);
  chio_evidence_close(core->evidence);
  chio_platform_free(core->platform);
  chio_users_free(core->users);
  close_slots(core);
  chio_store_close(core->store);
  chio_seal_free(core->seal);
  if (core->lock_fd >= 0) (void)close(core->lock_fd);
  chio_renewals_close(core);
  (void)pthread_mutex_destroy(&core->renewals_lock);
  (void)pthread_mutex_destroy(&core->lock);
  free(core);
}

void chio_core_set_door(struct chio_core *core, const char *path) {
  (void)pthread_mutex_lock(&core->lock);
  (void)snprintf(core->door, sizeof core->door, "%s", path != NULL ? path : "");
  (void)pthread_mutex_unlock(&core->lock);
}

const struct chio_boot_facts *chio_core_boot(const struct chio_core *core) {
  return &core->boot;
}

enum chio_err chio_core_boot_evidence(struct chio_core *core, struct chio_buf *out) {
  return chio_boot_evidence(core->evidence, out);
}

void chio_core_set_renewed(struct chio_core *core, void (*renewed)(void *arg), void *arg) {
  (void)pthread_mutex_lock(&core->lock);
  core->evidence_renewed = renewed;
  core->evidence_renewed_arg = arg;
  (void)pthread_mutex_unlock(&core->lock);
}

void chio_core_set_status(struct chio_core *core, void (*add)(void *arg, struct chio_buf *json), void *arg) {
  (void)pthread_mutex_lock(&core->lock);
  core->add_status = add;
  core->add_status_arg = arg;
  (void)pthread_mutex_unlock(&core->lock);
}
