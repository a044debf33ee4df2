/*
 * sim-nitro: documents of a simulated Nitro enclave under a root of its own. As with real ones the signing certificate
 * lives three hours; it is made anew when less than an hour is left. PCR0 is the SHA-384 of the measured file.
 */
#include "attest/platform_backend.h"

#include "attest/cbor_write.h"
#include "attest/cose_sign1.h"
#include "attest/ecdsa.h"
#include "attest/measurement.h"
#include "attest/nitro.h"
#include "attest/sim_pki.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { ROOT, INSTANCE, PAIRS };

#define LEAF_SECONDS (3 * 3600)
#define LEAF_RENEW_SECONDS (2 * 3600)
#define MODULE_ID "i-c410000000000000-enc0123456789abcdef"

struct sim_nitro {
  struct chio_sim_pki pki;
  pthread_mutex_t lock; /* the leaf */
  struct chio_sim_pair leaf;
  time_t leaf_made;
  uint8_t pcr0[CHIO_SHA384_SIZE];
};

static enum chio_err make_pki(struct chio_sim_pki *pki) {
  static const struct chio_sim_cert_spec specs[PAIRS] = {
      [ROOT] = {.cn = "Chio Simulated Nitro Root", .days = 10950, .ca = true, .path_len = -1},
      [INSTANCE] = {.cn = "Chio Simulated Nitro Instance", .days = 3650, .ca = true, .path_len = 0},
  };
  enum chio_err err = CHIO_OK;
  for (size_t i = 0; i < PAIRS && err == CHIO_OK; i++) {
    err = chio_ecdsa_generate("P-384", &pki->pairs[i].key);
    if (err == CHIO_OK) err = chio_sim_certify(&pki->pairs[i], i > 0 ? &pki->pairs[i - 1] : NULL, &specs[i]);
    pki->count = i + 1;
  }
  return err;
}

static void clear_leaf(struct sim_nitro *sim) {
  EVP_PKEY_free(sim->leaf.key);
  X509_free(sim->leaf.cert);
  sim->leaf = (struct chio_sim_pair){NULL, NULL};
}

static enum chio_err renew_leaf(struct sim_nitro *sim) {
  static const struct chio_sim_cert_spec spec = {.cn = MODULE_ID, .seconds = LEAF_SECONDS};
  time_t now = time(NULL);
  if (sim->leaf.cert != NULL && now >= sim->leaf_made && now - sim->leaf_made < LEAF_RENEW_SECONDS) return CHIO_OK;
  clear_leaf(sim);
  enum chio_err err = chio_ecdsa_generate("P-384", &sim->leaf.key);
  if (err == CHIO_OK) err = chio_sim_certify(&sim->leaf, &sim->pki.pairs[INSTANCE], &spec);
  sim->leaf_made = now;
  return err;
}

static void sim_nitro_close(void *self) {
  struct sim_nitro *sim = self;
  if (sim == NULL) return;
  clear_leaf(sim);
  chio_sim_pki_clear(&sim->pki);
  (void)pthread_mutex_destroy(&sim->lock);
  free(sim);
}

static enum chio_err sim_nitro_open(const struct chio_platform_place *place, void **out_self,
                                    struct chio_detail *detail) {
  struct sim_nitro *sim = calloc(1, sizeof *sim);
  if (sim == NULL) return CHIO_E_NO_MEMORY;
  (void)pthread_mutex_init(&sim->lock, NULL);
  enum chio_err err = chio_hash_file(CHIO_HASH_SHA384, place->measured_file, sim->pcr0);
  if (err != CHIO_OK) err = chio_fail(detail, err, "cannot measure %s", place->measured_file);
  if (err == CHIO_OK) err = chio_sim_pki_open(place->state_dir, "nitro", PAIRS, make_pki, &sim->pki, detail);
  if (err != CHIO_OK) {
    sim_nitro_close(sim);
    return err;
  }
  *out_self = sim;
  return CHIO_OK;
}

/* ---- The document ---- */

static enum chio_err put_cert(struct chio_buf *out, const X509 *cert) {
  unsigned char *der = NULL;
  int len = i2d_X509(cert, &der);
  if (len <= 0) return CHIO_E_INTERNAL;
  chio_cbor_put_bytes(out, chio_slice(der, (size_t)len));
  OPENSSL_free(der);
  return CHIO_OK;
}

static enum chio_err put_pcrs(const struct sim_nitro *sim, struct chio_buf *out) {
  static const char *const labels[] = {NULL, "chio simulated kernel", "chio simulated application"};
  chio_cbor_put_text(out, "pcrs");
  chio_cbor_put_head(out, CHIO_CBOR_MAP, 16);
  for (size_t i = 0; i < 16; i++) {
    uint8_t pcr[CHIO_NITRO_PCR_SIZE] = {0};
    if (i == 0) memcpy(pcr, sim->pcr0, sizeof pcr);
    if (i == 1 || i == 2) {
      enum chio_err err = chio_hash_bytes(CHIO_HASH_SHA384, chio_slice_str(labels[i]), pcr);
      if (err != CHIO_OK) return err;
    }
    chio_cbor_put_head(out, CHIO_CBOR_UINT, i);
    chio_cbor_put_bytes(out, chio_slice(pcr, sizeof pcr));
  }
  return CHIO_OK;
}

static enum chio_err put_payload(const struct sim_nitro *sim, const uint8_t *report_data, struct chio_slice public_key,
                                 struct chio_buf *out) {
  struct timespec now;
  (void)clock_gettime(CLOCK_REALTIME, &now);
  chio_cbor_put_head(out, CHIO_CBOR_MAP, 9);
  chio_cbor_put_text(out, "module_id");
  chio_cbor_put_text(out, MODULE_ID);
  chio_cbor_put_text(out, "digest");
  chio_cbor_put_text(out, "SHA384");
  chio_cbor_put_text(out, "timestamp");
  chio_cbor_put_head(out, CHIO_CBOR_UINT, (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
  enum chio_err err = put_pcrs(sim, out);
  if (err != CHIO_OK) return err;
  chio_cbor_put_text(out, "certificate");
  err = put_cert(out, sim->leaf.cert);
  chio_cbor_put_text(out, "cabundle");
  chio_cbor_put_head(out, CHIO_CBOR_ARRAY, PAIRS);
  for (size_t i = 0; i < PAIRS && err == CHIO_OK; i++) err = put_cert(out, sim->pki.pairs[i].cert);
  chio_cbor_put_text(out, "public_key");
  if (public_key.len > 0)
    chio_cbor_put_bytes(out, public_key);
  else
    chio_cbor_put_null(out);
  chio_cbor_put_text(out, "user_data");
  chio_cbor_put_bytes(out, chio_slice(report_data, CHIO_REPORT_DATA_SIZE));
  chio_cbor_put_text(out, "nonce");
  chio_cbor_put_null(out);
  return err == CHIO_OK ? chio_buf_err(out) : err;
}

static enum chio_err sign(const struct sim_nitro *sim, struct chio_slice payload, uint8_t rs[2 * CHIO_P384_SIZE]) {
  static const uint8_t header[] = {0xa1, 0x01, 0x38, 0x22}; /* {1: -35}, ES384 */
  struct chio_buf message = CHIO_BUF_INIT;
  chio_cose_sign1_put_signed(chio_slice(header, sizeof header), payload, &message);
  enum chio_err err = chio_buf_err(&message);
  if (err == CHIO_OK) err = chio_ecdsa_sign_raw(sim->leaf.key, chio_buf_slice(&message), CHIO_P384_SIZE, rs);
  chio_buf_clear(&message);
  return err;
}

static enum chio_err make_document(struct sim_nitro *sim, const uint8_t *report_data, struct chio_slice public_key,
                                   struct chio_buf *out) {
  static const uint8_t begin[] = {0x84, 0x44, 0xa1, 0x01, 0x38, 0x22, 0xa0};
  struct chio_buf payload = CHIO_BUF_INIT;
  uint8_t rs[2 * CHIO_P384_SIZE];
  enum chio_err err = renew_leaf(sim);
  if (err == CHIO_OK) err = put_payload(sim, report_data, public_key, &payload);
  if (err == CHIO_OK) err = sign(sim, chio_buf_slice(&payload), rs);
  if (err == CHIO_OK) {
    chio_buf_append(out, begin, sizeof begin);
    chio_cbor_put_bytes(out, chio_buf_slice(&payload));
    chio_cbor_put_bytes(out, chio_slice(rs, sizeof rs));
    err = chio_buf_err(out);
  }
  chio_buf_clear(&payload);
  return err;
}

static enum chio_err sim_nitro_quote_for(void *self, const uint8_t report_data[CHIO_REPORT_DATA_SIZE],
                                         struct chio_slice public_key, struct chio_buf *out_quote,
                                         struct chio_detail *detail) {
  struct sim_nitro *sim = self;
  (void)pthread_mutex_lock(&sim->lock);
  enum chio_err err = make_document(sim, report_data, public_key, out_quote);
  (void)pthread_mutex_unlock(&sim->lock);
  if (err == CHIO_OK) return CHIO_OK;
  return chio_fail(detail, CHIO_E_PLATFORM, "the simulated security module cannot sign: %s", chio_err_text(err));
}

static enum chio_err sim_nitro_quote(void *self, const uint8_t report_data[CHIO_REPORT_DATA_SIZE],
                                     struct chio_buf *out_quote, struct chio_detail *detail) {
  return sim_nitro_quote_for(self, report_data, chio_slice(NULL, 0), out_quote, detail);
}

static enum chio_err sim_nitro_root(const void *self, struct chio_buf *out_pem) {
  const struct sim_nitro *sim = self;
  return chio_cert_append_pem(sim->pki.pairs[ROOT].cert, out_pem);
}

const struct chio_platform_backend chio_platform_sim_nitro = {
    .name = "sim-nitro",
    .simulated = true,
    .open = sim_nitro_open,
    .close = sim_nitro_close,
    .quote = sim_nitro_quote,
    .quote_for = sim_nitro_quote_for,
    .root = sim_nitro_root,
    .measurement = chio_nitro_measurement,
};
