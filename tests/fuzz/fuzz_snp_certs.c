/* attest/snp_certs.h: what is taken from a table is PEM certificates and nothing else; refused, it leaves nothing. */
#include "attest/snp_certs.h"

#include "tests/fuzz/fuzz.h"

#include <openssl/pem.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct chio_buf pem = CHIO_BUF_INIT;
  size_t count = 0;
  if (size > 65536) return 0;
  bool taken = chio_snp_certs_pem(chio_slice(data, size), &pem) == CHIO_OK;
  FUZZ_HOLDS(taken || pem.len == 0);
  BIO *bio = BIO_new_mem_buf(pem.len > 0 ? pem.data : (const uint8_t *)"", (int)pem.len);
  FUZZ_HOLDS(bio != NULL);
  for (X509 *cert; (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL; count++) X509_free(cert);
  FUZZ_HOLDS((pem.len > 0) == (count > 0) && count <= CHIO_SNP_TABLE_ENTRIES_MAX);
  BIO_free(bio);
  chio_buf_clear(&pem);
  return 0;
}
