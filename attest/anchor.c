/* The vendors' roots: SHA-256 of the SubjectPublicKeyInfo. The times are those of their certificates, to be told: a
 * chain is judged by the certificates that it came with. */
#include "attest/judge.h"

static const struct chio_anchor intel[] = {
    {{0xa0, 0xaf, 0x03, 0x12, 0x89, 0xf5, 0xd5, 0xd4, 0x13, 0x2f, 0x91, 0x86, 0x06, 0x8a, 0x7f, 0xc1,
      0x36, 0x28, 0x63, 0x3b, 0xa2, 0x35, 0x77, 0x74, 0x72, 0xe2, 0x9b, 0x6b, 0x6c, 0x67, 0xa4, 0x9e},
     "Intel SGX Root CA",
     false,
     1526899510,
     2524607999},
};

static const struct chio_anchor amd[] = {
    {{0x9f, 0x05, 0x6b, 0xee, 0x44, 0x37, 0x7e, 0x29, 0x30, 0x8c, 0xb5, 0xff, 0xa8, 0x95, 0xbd, 0xfb,
      0x62, 0xd1, 0x88, 0x81, 0xfa, 0x6b, 0xed, 0x8d, 0x6f, 0x07, 0x5b, 0x02, 0x04, 0x08, 0x9c, 0xb9},
     "ARK-Milan",
     false,
     1603387385,
     2392305785},
    {{0x42, 0x9a, 0x69, 0xc9, 0x42, 0x2a, 0xa2, 0x58, 0xee, 0x4d, 0x8d, 0xb5, 0xfc, 0xda, 0x9c, 0x64,
      0x70, 0xef, 0x15, 0xf8, 0xcd, 0x5a, 0x9c, 0xeb, 0xd6, 0xcb, 0xc7, 0xd9, 0x0b, 0x86, 0x38, 0x31},
     "ARK-Genoa",
     false,
     1643211277,
     2432129677},
    {{0x4f, 0x12, 0x54, 0x10, 0x56, 0x3a, 0x2a, 0xb9, 0xa5, 0x03, 0x56, 0xf9, 0x24, 0x3f, 0x6f, 0xe0,
      0xb6, 0xf7, 0x3d, 0xe9, 0x86, 0x03, 0xf5, 0x3f, 0x90, 0x33, 0x9c, 0x70, 0xe9, 0xd7, 0xad, 0x08},
     "ARK-Turin",
     false,
     1684180992,
     2473185792},
};

static const struct chio_anchor aws[] = {
    {{0xf2, 0xca, 0xf5, 0xec, 0xc6, 0x19, 0x0b, 0x4a, 0x83, 0x99, 0xb7, 0x8b, 0xc5, 0x8a, 0x2b, 0xbc,
      0xd0, 0x38, 0x23, 0x75, 0xdb, 0x8a, 0x1b, 0xfd, 0x78, 0xa8, 0x27, 0x43, 0x87, 0x4f, 0xd2, 0x25},
     "AWS Nitro Enclaves Root-G1",
     false,
     1572269285,
     2519044085},
};

/* Of HSMs: the maker of most clouds', and Google as the owner of its own. Microsoft publishes no hash of its root. */
static const struct chio_anchor marvell[] = {
    {{0x78, 0xad, 0xcb, 0xa1, 0xf3, 0x8b, 0xee, 0x30, 0x4b, 0xc4, 0x4d, 0x6a, 0x08, 0x65, 0x03, 0xf2,
      0x94, 0x00, 0x37, 0xd4, 0xb3, 0xd5, 0x8a, 0x1b, 0xf6, 0x6a, 0x32, 0x82, 0xef, 0x58, 0xcd, 0x41},
     "LiquidSecurity (localca.liquidsecurity.cavium.com)",
     false,
     1721939360,
     2037299360},
    {{0xf8, 0x4b, 0x06, 0x10, 0xf2, 0xca, 0x68, 0xf1, 0xf9, 0x36, 0xc1, 0x2c, 0x37, 0xa2, 0x27, 0x94,
      0xb5, 0x9a, 0x2a, 0xfa, 0x54, 0xf5, 0x5f, 0x8d, 0x3c, 0x97, 0x72, 0x32, 0xc5, 0xb9, 0x7d, 0x7c},
     "LiquidSecurity 2 (cavium-liquidsecurity-ls2)",
     false,
     1721680463,
     2037040463},
};

static const struct chio_anchor google[] = {
    {{0x11, 0xfa, 0x0c, 0x80, 0x42, 0x3f, 0x28, 0xee, 0x49, 0x7a, 0x18, 0x9b, 0xed, 0x4f, 0x70, 0x43,
      0x62, 0x9b, 0xe7, 0xa7, 0x64, 0x2d, 0x20, 0xee, 0xe9, 0x34, 0x7a, 0x73, 0xc1, 0xff, 0x46, 0xe8},
     "Hawksbill Root v1 prod",
     false,
     1498867200,
     1893456000},
};

static const struct {
  const struct chio_anchor *list;
  size_t count;
} vendors[] = {
    [CHIO_VENDOR_INTEL] = {intel, CHIO_ARRAY_LEN(intel)},
    [CHIO_VENDOR_AMD] = {amd, CHIO_ARRAY_LEN(amd)},
    [CHIO_VENDOR_AWS] = {aws, CHIO_ARRAY_LEN(aws)},
    [CHIO_VENDOR_MICROSOFT] = {NULL, 0},
    [CHIO_VENDOR_MARVELL] = {marvell, CHIO_ARRAY_LEN(marvell)},
    [CHIO_VENDOR_GOOGLE] = {google, CHIO_ARRAY_LEN(google)},
};

/* The policy's own list of a vendor's roots; NULL: those built in count. */
static const struct chio_policy_bytes_list *own_roots(const struct chio_attest_policy *policy,
                                                      enum chio_vendor vendor) {
  if (policy == NULL) return NULL;
  const struct chio_policy_bytes_list *const lists[] = {[CHIO_VENDOR_INTEL] = &policy->intel_roots,
                                                        [CHIO_VENDOR_AMD] = &policy->amd_roots,
                                                        [CHIO_VENDOR_AWS] = &policy->aws_roots,
                                                        [CHIO_VENDOR_MICROSOFT] = NULL,
                                                        [CHIO_VENDOR_MARVELL] = NULL,
                                                        [CHIO_VENDOR_GOOGLE] = NULL};
  return lists[vendor] != NULL && lists[vendor]->count > 0 ? lists[vendor] : NULL;
}

static size_t put_vendor(const struct chio_attest_policy *policy, enum chio_vendor vendor, struct chio_anchor *list) {
  const struct chio_policy_bytes_list *own = own_roots(policy, vendor);
  size_t n = 0;
  for (size_t i = 0; own == NULL && i < vendors[vendor].count; i++) list[n++] = vendors[vendor].list[i];
  for (size_t i = 0; own != NULL && i < own->count && n < CHIO_POLICY_VENDOR_ROOTS_MAX; i++) {
    list[n] = (struct chio_anchor){.name = "a vendor's root that the policy names"};
    memcpy(list[n++].spki_sha256, own->items[i].data, sizeof list[0].spki_sha256);
  }
  return n;
}

struct chio_anchors chio_vendor_anchors(const struct chio_attest_policy *policy, enum chio_vendor vendor,
                                        struct chio_anchor_storage *storage) {
  return (struct chio_anchors){storage->list, put_vendor(policy, vendor, storage->list)};
}

struct chio_anchors chio_judge_anchors(const struct chio_judge *j, enum chio_vendor vendor,
                                       struct chio_anchor_storage *storage) {
  size_t n = put_vendor(j->policy, vendor, storage->list);
  for (size_t i = 0; i < j->extra_count; i++) storage->list[n++] = j->extra[i];
  size_t own = j->policy != NULL ? j->policy->roots_count : 0;
  for (size_t i = 0; i < own && n < CHIO_ANCHORS_MAX; i++) storage->list[n++] = j->policy->roots[i];
  return (struct chio_anchors){storage->list, n};
}
