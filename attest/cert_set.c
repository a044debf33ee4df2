#include "attest/cert_set.h"

#include "attest/pem.h"
#include <stdlib.h>

void chio_cert_set_clear(struct chio_cert_set *set) {
  for (size_t i = 0; i < set->count; i++) free(set->certs[i]);
  free(set->certs);
  set->certs = NULL;
  set->count = set->room = 0;
}

static enum chio_err make_room(struct chio_cert_set *set) {
  if (set->count == CHIO_CERT_SET_MAX) return CHIO_E_TOO_LONG;
  if (set->count < set->room) return CHIO_OK;
  size_t room = set->room == 0 ? 8 : 2 * set->room;
  struct chio_cert **grown = reallocarray(set->certs, room, sizeof(struct chio_cert *));
  if (grown == NULL) return CHIO_E_NO_MEMORY;
  set->certs = grown;
  set->room = room;
  return CHIO_OK;
}

enum chio_err chio_cert_set_add(struct chio_cert_set *set, struct chio_slice der) {
  if (der.len > CHIO_CERT_MAX) return CHIO_E_TOO_LONG;
  for (size_t i = 0; i < set->count; i++) {
    if (chio_slice_equal(set->certs[i]->der, der)) return CHIO_OK;
  }
  enum chio_err err = make_room(set);
  if (err != CHIO_OK) return err;
  struct chio_cert *cert = malloc(sizeof *cert + der.len);
  if (cert == NULL) return CHIO_E_NO_MEMORY;
  uint8_t *copy = (uint8_t *)(cert + 1);
  memcpy(copy, der.data, der.len);
  err = set->takes_v1 ? chio_cert_parse_v1(chio_slice(copy, der.len), cert)
                      : chio_cert_parse(chio_slice(copy, der.len), cert);
  if (err != CHIO_OK) {
    free(cert);
    return err;
  }
  set->certs[set->count++] = cert;
  return CHIO_OK;
}

enum chio_err chio_cert_set_add_pem(struct chio_cert_set *set, struct chio_slice text, size_t max) {
  struct chio_cursor c = chio_cursor(text);
  struct chio_buf der = CHIO_BUF_INIT;
  enum chio_err err = CHIO_OK;
  for (size_t i = 0; i < max && err == CHIO_OK; i++) {
    chio_buf_reset(&der);
    err = chio_pem_next(&c, "CERTIFICATE", &der);
    if (err == CHIO_OK) err = chio_cert_set_add(set, chio_buf_slice(&der));
  }
  chio_buf_clear(&der);
  return err == CHIO_E_NOT_FOUND ? CHIO_OK : err;
}

/* ---- Paths ---- */

const struct chio_anchor *chio_anchor_find(struct chio_anchors anchors, const struct chio_cert *root) {
  uint8_t hash[CHIO_SHA256_SIZE];
  if (chio_hash_bytes(CHIO_HASH_SHA256, root->key.spki, hash) != CHIO_OK) return NULL;
  for (size_t i = 0; i < anchors.count; i++) {
    if (memcmp(anchors.list[i].spki_sha256, hash, sizeof hash) == 0) return &anchors.list[i];
  }
  return NULL;
}

struct search {
  const struct chio_cert_set *const *sets;
  size_t set_count;
  struct chio_anchors anchors;
  struct chio_path path;
  unsigned signatures; /* verified so far */
  bool forged;         /* some candidate fitted by name and not by signature */
};

/* Bounds the work that a set full of look-alikes can cause. */
#define SIGNATURES_MAX 32u

static bool is_signed_by(struct search *s, const struct chio_cert *cert, const struct chio_cert *issuer) {
  if (s->signatures++ >= SIGNATURES_MAX) return false;
  if (chio_pubkey_verify_lasting(&issuer->key, cert->signature_alg, cert->tbs, cert->signature) == CHIO_OK) return true;
  s->forged = true;
  return false;
}

/* The issuer at position count has count - 1 CA certificates below it. */
static bool path_len_allows(const struct chio_cert *issuer, size_t count) {
  return !issuer->has_path_len || issuer->path_len >= count - 1;
}

static enum chio_err extend(struct search *s);

/* The last certificate is its own issuer: the path is whole. */
static enum chio_err finish(struct search *s, const struct chio_cert *root) {
  if (!is_signed_by(s, root, root)) return CHIO_E_NOT_FOUND;
  s->path.anchor = chio_anchor_find(s->anchors, root);
  return CHIO_OK;
}

static bool in_path(const struct search *s, const struct chio_cert *cert) {
  for (size_t i = 0; i < s->path.count; i++) {
    if (chio_cert_same(s->path.certs[i], cert)) return true;
  }
  return false;
}

static enum chio_err try_issuer(struct search *s, const struct chio_cert *issuer) {
  const struct chio_cert *last = s->path.certs[s->path.count - 1];
  if (in_path(s, issuer) || !chio_cert_may_issue(issuer, last)) return CHIO_E_NOT_FOUND;
  if (!path_len_allows(issuer, s->path.count) || !is_signed_by(s, last, issuer)) return CHIO_E_NOT_FOUND;
  s->path.certs[s->path.count++] = issuer;
  enum chio_err err = extend(s);
  if (err != CHIO_OK) s->path.count--;
  return err;
}

/* Depth is bounded by CHIO_CERT_PATH_MAX, work by SIGNATURES_MAX. */
static enum chio_err extend(struct search *s) {
  const struct chio_cert *last = s->path.certs[s->path.count - 1];
  if (chio_slice_equal(last->issuer, last->subject)) return finish(s, last);
  if (s->path.count == CHIO_CERT_PATH_MAX) return CHIO_E_NOT_FOUND;
  struct search found;
  bool have = false;
  for (size_t i = 0; i < s->set_count; i++) {
    if (s->sets[i] == NULL) continue;
    for (size_t j = 0; j < s->sets[i]->count; j++) {
      struct search attempt = *s;
      enum chio_err err = try_issuer(&attempt, s->sets[i]->certs[j]);
      s->signatures = attempt.signatures;
      s->forged = s->forged || attempt.forged;
      if (err != CHIO_OK || (have && attempt.path.anchor == NULL)) continue;
      found = attempt;
      have = true;
      if (found.path.anchor != NULL) break;
    }
    if (have && found.path.anchor != NULL) break;
  }
  if (!have) return CHIO_E_NOT_FOUND;
  s->path = found.path;
  return CHIO_OK;
}

static void set_validity(struct chio_path *path) {
  path->from = INT64_MIN;
  path->until = INT64_MAX;
  for (size_t i = 0; i < path->count; i++) {
    if (path->certs[i]->not_before > path->from) path->from = path->certs[i]->not_before;
    if (path->certs[i]->not_after < path->until) path->until = path->certs[i]->not_after;
  }
}

enum chio_err chio_path_find(const struct chio_cert *leaf, const struct chio_cert_set *const *sets, size_t set_count,
                             struct chio_anchors anchors, struct chio_path *out_path) {
  struct search s = {.sets = sets, .set_count = set_count, .anchors = anchors};
  if (leaf->has_unknown_critical || leaf->is_v1) return CHIO_E_MALFORMED;
  s.path.certs[0] = leaf;
  s.path.count = 1;
  enum chio_err err = extend(&s);
  if (err != CHIO_OK) return s.forged ? CHIO_E_SIGNATURE_INVALID : err;
  set_validity(&s.path);
  *out_path = s.path;
  return CHIO_OK;
}
