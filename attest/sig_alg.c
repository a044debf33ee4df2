/* AlgorithmIdentifiers of signatures, written and read. */
#include "attest/pubkey.h"

#include "attest/der.h"

#define DER(bytes) {(const uint8_t *)(bytes), sizeof(bytes) - 1}

#define SHA2(last) "\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02" last "\x05\x00"
/* RFC 4055, 3.1: { id-RSASSA-PSS, { [0] hash, [1] { id-mgf1, hash }, [2] salt length } } */
#define PSS(hash, salt)                                                                                     \
  DER("\x30\x41\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a\x30\x34\xa0\x0f" SHA2(hash)                    \
      "\xa1\x1c\x30\x1a\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08" SHA2(hash) "\xa2\x03\x02\x01" salt)

static const struct chio_slice identifiers[] = {
    [CHIO_SIG_ECDSA_SHA256] = DER("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02"),
    [CHIO_SIG_ECDSA_SHA384] = DER("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03"),
    [CHIO_SIG_ECDSA_SHA512] = DER("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x04"),
    [CHIO_SIG_RSA_PSS_SHA256] = PSS("\x01", "\x20"),
    [CHIO_SIG_RSA_PSS_SHA384] = PSS("\x02", "\x30"),
    [CHIO_SIG_RSA_PSS_SHA512] = PSS("\x03", "\x40"),
    [CHIO_SIG_RSA_PKCS1_SHA256] = DER("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00"),
    [CHIO_SIG_RSA_PKCS1_SHA384] = DER("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c\x05\x00"),
    [CHIO_SIG_RSA_PKCS1_SHA512] = DER("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d\x05\x00"),
    [CHIO_SIG_ED25519] = DER("\x30\x05\x06\x03\x2b\x65\x70"),
};

struct chio_slice chio_sig_alg_identifier(enum chio_sig_alg alg) {
  return (size_t)alg < CHIO_ARRAY_LEN(identifiers) ? identifiers[alg] : chio_slice(NULL, 0);
}

/* ---- Reading ---- */

static const uint8_t oid_pss[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a};
static const uint8_t oid_mgf1[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08};

static const struct pss_hash {
  uint8_t oid[9];
  uint64_t size;
  enum chio_sig_alg alg;
} pss_hashes[] = {
    {{0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01}, 32, CHIO_SIG_RSA_PSS_SHA256},
    {{0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02}, 48, CHIO_SIG_RSA_PSS_SHA384},
    {{0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03}, 64, CHIO_SIG_RSA_PSS_SHA512},
};

/* SEQUENCE { OID, [NULL] } */
static const struct pss_hash *read_hash(struct chio_cursor *c) {
  struct chio_cursor identifier;
  struct chio_slice oid;
  if (chio_der_enter(c, CHIO_DER_T_SEQUENCE, &identifier) != CHIO_OK ||
      chio_der_expect(&identifier, CHIO_DER_T_OID, &oid) != CHIO_OK)
    return NULL;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(pss_hashes); i++)
    if (chio_slice_equal(oid, chio_slice(pss_hashes[i].oid, sizeof pss_hashes[i].oid))) return &pss_hashes[i];
  return NULL;
}

/* RFC 4055, 3.1: RSASSA-PSS-params { [0] hash, [1] mask generation, [2] salt length, [3] trailer field 1 }: one hash
 * for both, and a salt as long as it. */
static enum chio_sig_alg read_pss(struct chio_cursor *identifier) {
  struct chio_cursor params, hash, mgf, mgf_inner, salt;
  struct chio_slice oid;
  uint64_t salt_len, trailer = 1;
  const struct pss_hash *row;
  bool ok = chio_der_enter(identifier, CHIO_DER_T_SEQUENCE, &params) == CHIO_OK &&
            chio_der_enter(&params, CHIO_DER_T_CONTEXT(0), &hash) == CHIO_OK && (row = read_hash(&hash)) != NULL &&
            chio_der_enter(&params, CHIO_DER_T_CONTEXT(1), &mgf) == CHIO_OK &&
            chio_der_enter(&mgf, CHIO_DER_T_SEQUENCE, &mgf_inner) == CHIO_OK &&
            chio_der_expect(&mgf_inner, CHIO_DER_T_OID, &oid) == CHIO_OK &&
            chio_slice_equal(oid, chio_slice(oid_mgf1, sizeof oid_mgf1)) && read_hash(&mgf_inner) == row &&
            chio_der_enter(&params, CHIO_DER_T_CONTEXT(2), &salt) == CHIO_OK &&
            chio_der_uint(&salt, CHIO_DER_T_INTEGER, 64, &salt_len) == CHIO_OK && salt_len == row->size &&
            (params.left == 0 || (chio_der_enter(&params, CHIO_DER_T_CONTEXT(3), &salt) == CHIO_OK &&
                                  chio_der_uint(&salt, CHIO_DER_T_INTEGER, 1, &trailer) == CHIO_OK && trailer == 1));
  return ok ? row->alg : CHIO_SIG_OTHER;
}

/* The object identifier of the rows above. */
static struct chio_slice oid_of(enum chio_sig_alg alg) {
  struct chio_cursor outer = chio_cursor(identifiers[alg]), inner;
  struct chio_slice oid = {NULL, 0};
  bool ok = chio_der_enter(&outer, CHIO_DER_T_SEQUENCE, &inner) == CHIO_OK &&
            chio_der_expect(&inner, CHIO_DER_T_OID, &oid) == CHIO_OK;
  return ok ? oid : chio_slice(NULL, 0);
}

enum chio_sig_alg chio_sig_alg_parse(struct chio_slice contents) {
  struct chio_cursor identifier = chio_cursor(contents);
  struct chio_slice oid;
  if (chio_der_expect(&identifier, CHIO_DER_T_OID, &oid) != CHIO_OK) return CHIO_SIG_OTHER;
  if (chio_slice_equal(oid, chio_slice(oid_pss, sizeof oid_pss))) return read_pss(&identifier);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(identifiers); i++) {
    if (!chio_slice_equal(oid, oid_of((enum chio_sig_alg)i))) continue;
    return i == CHIO_SIG_ED25519 && identifier.left != 0 ? CHIO_SIG_OTHER : (enum chio_sig_alg)i;
  }
  return CHIO_SIG_OTHER;
}
