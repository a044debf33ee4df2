#include "provider/signer.h"

#include "provider/job.h"
#include "provider/login.h"

#include <sodium.h>
#include <stdlib.h>

struct chio_signer {
  struct chio_signer *next;
  struct chio_prov *prov;
  char *endpoints;
  struct chio_client *client;
  uint8_t mark_key[crypto_generichash_KEYBYTES];
  _Atomic(struct chio_prov_login *) logins;
};

static const char *configured_endpoints(const struct chio_prov *prov) {
  const char *env = secure_getenv("CHIO_SIGNER");
  /* NULL lets the client read the same variable, or take the compiled-in list. */
  return env != NULL && env[0] != '\0' ? NULL : chio_prov_config(prov)->signer;
}

struct chio_signer *chio_signer_new(struct chio_prov *prov, const char *endpoints) {
  struct chio_detail detail = {""};
  struct chio_client_options options = {.endpoints = endpoints != NULL ? endpoints : configured_endpoints(prov),
                                         .waiting = &chio_job_waiting};
  struct chio_signer *signer = calloc(1, sizeof *signer);
  enum chio_err err = signer != NULL ? CHIO_OK : CHIO_E_NO_MEMORY;
  if (err == CHIO_OK && endpoints != NULL && (signer->endpoints = strdup(endpoints)) == NULL) err = CHIO_E_NO_MEMORY;
  if (err == CHIO_OK && sodium_init() < 0) err = CHIO_E_INTERNAL;
  if (err == CHIO_OK) err = chio_client_new(&options, &signer->client, &detail);
  if (err != CHIO_OK) {
    chio_signer_free(signer);
    chio_raise_err(prov, err, &detail, "signer");
    return NULL;
  }
  signer->prov = prov;
  randombytes_buf(signer->mark_key, sizeof signer->mark_key);
  return signer;
}

void chio_signer_free(struct chio_signer *signer) {
  if (signer == NULL) return;
  chio_prov_logins_free(atomic_load(&signer->logins));
  chio_client_free(signer->client);
  chio_wipe(signer->mark_key, sizeof signer->mark_key);
  free(signer->endpoints);
  free(signer);
}

bool chio_signer_is(const struct chio_signer *signer, const char *endpoints) {
  if (signer->endpoints == NULL || endpoints == NULL) return signer->endpoints == endpoints;
  return strcmp(signer->endpoints, endpoints) == 0;
}

struct chio_signer *chio_signer_next(const struct chio_signer *signer) {
  return signer->next;
}

void chio_signer_set_next(struct chio_signer *signer, struct chio_signer *next) {
  signer->next = next;
}

struct chio_prov *chio_signer_prov(const struct chio_signer *signer) {
  return signer->prov;
}

struct chio_client *chio_signer_client(const struct chio_signer *signer) {
  return signer->client;
}

const char *chio_signer_endpoints(const struct chio_signer *signer) {
  return signer->endpoints;
}

_Atomic(struct chio_prov_login *) *chio_signer_logins(struct chio_signer *signer) {
  return &signer->logins;
}

void chio_signer_pin_mark(const struct chio_signer *signer, uint32_t slot, struct chio_slice pin,
                          uint8_t out[CHIO_PIN_MARK]) {
  crypto_generichash_state hash;
  crypto_generichash_init(&hash, signer->mark_key, sizeof signer->mark_key, CHIO_PIN_MARK);
  crypto_generichash_update(&hash, (const uint8_t *)&slot, sizeof slot);
  crypto_generichash_update(&hash, pin.data, pin.len);
  crypto_generichash_final(&hash, out, CHIO_PIN_MARK);
  chio_wipe(&hash, sizeof hash);
}
