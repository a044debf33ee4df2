/* The list of all roots: what is built in, what a policy names, what collateral brings. */
#include "attest/collateral.h"
#include "attest/crypto.h"
#include "attest/judge.h"

#include <stdlib.h>
#include <string.h>

#define NAME_LEN 128u

/* One element of the list, and its name; all of them in one piece of memory. */
struct entry {
  struct chio_attest_root pub;
  char name[NAME_LEN];
};

struct list {
  struct entry *entries;
  size_t count, cap;
};

/* The same key is told once, by who names it first; that it is trusted, and when it ends, may be known only to who
 * names it later. */
static void put(struct list *list, const char *source, const uint8_t spki_sha256[32], struct chio_slice name,
                int64_t from, int64_t until, bool trusted) {
  for (size_t i = 0; i < list->count; i++) {
    struct chio_attest_root *there = &list->entries[i].pub;
    if (memcmp(there->spki_sha256, spki_sha256, 32) != 0) continue;
    if (trusted) there->trusted = 1;
    if (there->from == 0 && there->until == 0) {
      there->from = from;
      there->until = until;
    }
    return;
  }
  if (list->count == list->cap) return; /* how_many counted all */
  struct entry *e = &list->entries[list->count++];
  size_t len = name.len < NAME_LEN - 1 ? name.len : NAME_LEN - 1;
  for (size_t i = 0; i < len; i++)
    e->name[i] = name.data[i] < 0x20 || name.data[i] == 0x7f ? '?' : (char)name.data[i];
  e->pub = (struct chio_attest_root){.source = source, .name = e->name, .trusted = trusted};
  e->pub.from = from;
  e->pub.until = until;
  memcpy(e->pub.spki_sha256, spki_sha256, 32);
}

static void put_anchors(struct list *list, const char *source, struct chio_anchors anchors, bool trusted) {
  for (size_t i = 0; i < anchors.count; i++) {
    const struct chio_anchor *a = &anchors.list[i];
    put(list, source, a->spki_sha256, chio_slice_str(a->name), a->from, a->until, trusted);
  }
}

/* Trusted is what stands in the list as such: these certificates are only at hand. */
static enum chio_err put_certs(struct list *list, const char *source, const struct chio_cert_set *set,
                               bool roots_only) {
  for (size_t i = 0; set != NULL && i < set->count; i++) {
    const struct chio_cert *cert = set->certs[i];
    uint8_t hash[32];
    if (roots_only && !chio_slice_equal(cert->issuer, cert->subject)) continue;
    enum chio_err err = chio_hash_bytes(CHIO_HASH_SHA256, cert->key.spki, hash);
    if (err != CHIO_OK) return err;
    put(list, source, hash, cert->common_name, cert->not_before, cert->not_after, false);
  }
  return CHIO_OK;
}

static const struct {
  enum chio_vendor vendor;
  const char *source;
} vendors[] = {{CHIO_VENDOR_INTEL, "intel"}, {CHIO_VENDOR_AMD, "amd"}, {CHIO_VENDOR_AWS, "aws"},
               {CHIO_VENDOR_MICROSOFT, "microsoft"}, {CHIO_VENDOR_MARVELL, "marvell"}, {CHIO_VENDOR_GOOGLE, "google"}};

/* Without a policy what is built in is trusted; one may put others in its place. */
static void put_vendors(struct list *list, const struct chio_attest_policy *policy) {
  struct chio_anchor_storage storage;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(vendors); i++)
    put_anchors(list, vendors[i].source, chio_vendor_anchors(NULL, vendors[i].vendor, &storage), policy == NULL);
  for (; policy != NULL; policy = policy->previous) {
    for (size_t i = 0; i < CHIO_ARRAY_LEN(vendors); i++)
      put_anchors(list, "policy", chio_vendor_anchors(policy, vendors[i].vendor, &storage), true);
    put_anchors(list, "policy", (struct chio_anchors){policy->roots, policy->roots_count}, true);
  }
}

static size_t how_many(const struct chio_attest_policy *policy, const struct chio_attest_collateral *collateral) {
  struct chio_anchor_storage storage;
  size_t count = collateral != NULL ? collateral->certs.count : 0;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(vendors); i++) {
    const struct chio_cert_set *certs = chio_vendor_certs(vendors[i].vendor);
    count += certs != NULL ? certs->count : 0;
    count += chio_vendor_anchors(NULL, vendors[i].vendor, &storage).count;
    for (const struct chio_attest_policy *p = policy; p != NULL; p = p->previous)
      count += chio_vendor_anchors(p, vendors[i].vendor, &storage).count;
  }
  for (; policy != NULL; policy = policy->previous) count += policy->roots_count;
  return count;
}

int chio_attest_roots_list(const struct chio_attest_policy *policy, const struct chio_attest_collateral *collateral,
                           struct chio_attest_root **out_roots) {
  enum chio_err err = CHIO_OK;
  if (out_roots == NULL) return CHIO_ATTEST_E_ARGUMENT;
  struct list list = {.cap = how_many(policy, collateral)};
  list.entries = calloc(list.cap, sizeof *list.entries);
  if (list.entries == NULL) return CHIO_ATTEST_E_NO_MEMORY;
  put_vendors(&list, policy);
  for (size_t i = 0; err == CHIO_OK && i < CHIO_ARRAY_LEN(vendors); i++)
    err = put_certs(&list, vendors[i].source, chio_vendor_certs(vendors[i].vendor), false);
  if (err == CHIO_OK && collateral != NULL) err = put_certs(&list, "collateral", &collateral->certs, true);
  if (err != CHIO_OK) {
    free(list.entries);
    return CHIO_ATTEST_E_INTERNAL;
  }
  for (size_t i = 1; i < list.count; i++) list.entries[i - 1].pub.next = &list.entries[i].pub;
  *out_roots = &list.entries[0].pub;
  return CHIO_ATTEST_OK;
}
