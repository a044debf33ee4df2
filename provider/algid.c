#include "provider/algid.h"

#include <openssl/objects.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#define PSS_DEFAULT_SALT 20 /* RFC 4055, 3.1: what stands for the default is left out */

static bool put(const struct chio_sig *sig, X509_ALGOR *algorithm, OSSL_PARAM *out) {
  unsigned char *der = NULL;
  int len = algorithm != NULL ? i2d_X509_ALGOR(algorithm, &der) : -1;
  bool ok = len > 0 && OSSL_PARAM_set_octet_string(out, der, (size_t)len);
  OPENSSL_free(der);
  X509_ALGOR_free(algorithm);
  return ok ? true : chio_raise(sig->prov, CHIO_R_INTERNAL, "AlgorithmIdentifier");
}

static bool put_simple(const struct chio_sig *sig, int nid, int parameter, OSSL_PARAM *out) {
  X509_ALGOR *algorithm = X509_ALGOR_new();
  if (algorithm != NULL && X509_ALGOR_set0(algorithm, OBJ_nid2obj(nid), parameter, NULL) == 1)
    return put(sig, algorithm, out);
  X509_ALGOR_free(algorithm);
  return chio_raise(sig->prov, CHIO_R_NO_MEMORY, "AlgorithmIdentifier");
}

static bool put_hashed(const struct chio_sig *sig, int key_nid, int parameter, OSSL_PARAM *out) {
  int nid = NID_undef;
  if (sig->md == NULL || !OBJ_find_sigid_by_algs(&nid, EVP_MD_get_type(sig->md), key_nid))
    return chio_raise(sig->prov, CHIO_R_DIGEST, "no AlgorithmIdentifier with %s",
                      sig->md != NULL ? EVP_MD_get0_name(sig->md) : "no digest");
  return put_simple(sig, nid, parameter, out);
}

bool chio_algid_ed25519(const struct chio_sig *sig, OSSL_PARAM *out) {
  return put_simple(sig, NID_ED25519, V_ASN1_UNDEF, out);
}

bool chio_algid_ecdsa(const struct chio_sig *sig, OSSL_PARAM *out) {
  return put_hashed(sig, NID_X9_62_id_ecPublicKey, V_ASN1_UNDEF, out);
}

bool chio_algid_rsa(const struct chio_sig *sig, OSSL_PARAM *out) {
  return put_hashed(sig, NID_rsaEncryption, V_ASN1_NULL, out);
}

/* NULL for the default, SHA-1, and when out of memory. */
static X509_ALGOR *hash_algorithm(const EVP_MD *md) {
  X509_ALGOR *algorithm = EVP_MD_get_type(md) != NID_sha1 ? X509_ALGOR_new() : NULL;
  if (algorithm == NULL) return NULL;
  if (X509_ALGOR_set0(algorithm, OBJ_nid2obj(EVP_MD_get_type(md)), V_ASN1_NULL, NULL) == 1) return algorithm;
  X509_ALGOR_free(algorithm);
  return NULL;
}

static X509_ALGOR *mgf1_algorithm(const EVP_MD *md) {
  X509_ALGOR *hash = hash_algorithm(md), *mgf1 = hash != NULL ? X509_ALGOR_new() : NULL;
  ASN1_STRING *packed = hash != NULL ? ASN1_item_pack(hash, ASN1_ITEM_rptr(X509_ALGOR), NULL) : NULL;
  X509_ALGOR_free(hash);
  if (mgf1 != NULL && packed != NULL && X509_ALGOR_set0(mgf1, OBJ_nid2obj(NID_mgf1), V_ASN1_SEQUENCE, packed) == 1)
    return mgf1;
  ASN1_STRING_free(packed);
  X509_ALGOR_free(mgf1);
  return NULL;
}

static RSA_PSS_PARAMS *pss_params(const EVP_MD *md, const EVP_MD *mgf1_md, int salt_len) {
  RSA_PSS_PARAMS *params = RSA_PSS_PARAMS_new();
  if (params == NULL) return NULL;
  params->hashAlgorithm = hash_algorithm(md);
  params->maskGenAlgorithm = mgf1_algorithm(mgf1_md);
  bool ok = (params->hashAlgorithm != NULL) == (EVP_MD_get_type(md) != NID_sha1) &&
            (params->maskGenAlgorithm != NULL) == (EVP_MD_get_type(mgf1_md) != NID_sha1);
  if (ok && salt_len != PSS_DEFAULT_SALT) {
    params->saltLength = ASN1_INTEGER_new();
    ok = params->saltLength != NULL && ASN1_INTEGER_set(params->saltLength, salt_len) == 1;
  }
  if (ok) return params;
  RSA_PSS_PARAMS_free(params);
  return NULL;
}

bool chio_algid_pss(const struct chio_sig *sig, int salt_len, OSSL_PARAM *out) {
  if (sig->md == NULL) return chio_raise(sig->prov, CHIO_R_DIGEST, "PSS needs a digest");
  RSA_PSS_PARAMS *params = pss_params(sig->md, sig->mgf1_md != NULL ? sig->mgf1_md : sig->md, salt_len);
  ASN1_STRING *packed = params != NULL ? ASN1_item_pack(params, ASN1_ITEM_rptr(RSA_PSS_PARAMS), NULL) : NULL;
  RSA_PSS_PARAMS_free(params);
  X509_ALGOR *algorithm = packed != NULL ? X509_ALGOR_new() : NULL;
  if (algorithm != NULL && X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_rsassaPss), V_ASN1_SEQUENCE, packed) == 1)
    return put(sig, algorithm, out);
  ASN1_STRING_free(packed);
  X509_ALGOR_free(algorithm);
  return chio_raise(sig->prov, CHIO_R_NO_MEMORY, "AlgorithmIdentifier");
}
