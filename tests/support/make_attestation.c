/*
 * make_attestation DIR new: makes a simulated HSM (hsm_attest.h) in the folder, and DIR/hsm-roots.pem with its two roots.
 * make_attestation DIR google|azure|raw NAME [FLAW]...: reads a public key in PEM from standard input, and writes what the
 * HSM attests of it. FLAW: extractable, imported, insensitive, other (the attestation is of another key), unsigned.
 * For the test servers of Google Cloud KMS and Azure Managed HSM.
 */
#include "signer/base/macros.h"
#include "tests/support/hsm_attest.h"

#include "signer/base/text.h"

#include <openssl/pem.h>
#include <openssl/sha.h>
#include <stdio.h>

static const struct {
  const char *word;
  unsigned flaws;
} words[] = {{"extractable", HSM_EXTRACTABLE | HSM_ONCE_EXTRACTABLE},
             {"imported", HSM_IMPORTED},
             {"insensitive", HSM_NOT_SENSITIVE},
             {"unsigned", HSM_RAW_SIGNATURE}};

static int fail(const char *what) {
  (void)fprintf(stderr, "make_attestation: %s\n", what);
  return 1;
}

static int make_new(const char *folder) {
  struct hsm hsm;
  struct chio_buf pem = CHIO_BUF_INIT;
  char path[512];
  bool done = hsm_new(&hsm) && hsm_save(&hsm, folder);
  if (done) hsm_pem(hsm.certs[HSM_ROOT], &pem);
  if (done) hsm_pem(hsm.certs[HSM_OWNER_ROOT], &pem);
  (void)snprintf(path, sizeof path, "%s/hsm-roots.pem", folder);
  FILE *file = done ? fopen(path, "w") : NULL;
  done = file != NULL && fwrite(pem.data, 1, pem.len, file) == pem.len;
  if (file != NULL) done = fclose(file) == 0 && done;
  chio_buf_clear(&pem);
  hsm_clear(&hsm);
  return done ? 0 : fail("no HSM could be made");
}

/* The half of Google's that is public: the SHA-256 of the version's name. The other one is the HSM's own number. */
static void make_id(const char *name, struct chio_buf *out) {
  uint8_t hash[SHA256_DIGEST_LENGTH];
  (void)SHA256((const uint8_t *)"", 0, hash);
  chio_hex_append(out, chio_slice(hash, sizeof hash));
  (void)SHA256((const uint8_t *)name, strlen(name), hash);
  chio_hex_append(out, chio_slice(hash, sizeof hash));
}

static bool write_form(const struct hsm *hsm, const char *form, struct chio_slice blob, const char *name,
                       struct chio_buf *out) {
  if (strcmp(form, "google") == 0) return hsm_google(hsm, blob, name, out);
  if (strcmp(form, "azure") == 0) return hsm_azure(hsm, blob, chio_slice(NULL, 0), out);
  chio_buf_append_slice(out, blob);
  return !out->failed;
}

static int attest(int argc, char **argv) {
  struct hsm hsm;
  struct chio_buf id = CHIO_BUF_INIT, blob = CHIO_BUF_INIT, out = CHIO_BUF_INIT;
  unsigned flaws = 0;
  bool of_other = false;
  for (int i = 4; i < argc; i++) {
    of_other = of_other || strcmp(argv[i], "other") == 0;
    for (size_t k = 0; k < CHIO_ARRAY_LEN(words); k++)
      if (strcmp(argv[i], words[k].word) == 0) flaws |= words[k].flaws;
  }
  if (!hsm_load(argv[1], &hsm)) return fail("there is no HSM in that folder");
  EVP_PKEY *key = PEM_read_PUBKEY(stdin, NULL, NULL, NULL), *other = EVP_EC_gen("P-256");
  make_id(argv[3], &id);
  bool done = key != NULL && other != NULL && chio_buf_cstr(&id) != NULL &&
              hsm_attest(&hsm, of_other ? other : key, chio_buf_cstr(&id), flaws, other, &blob) &&
              write_form(&hsm, argv[2], chio_buf_slice(&blob), argv[3], &out) &&
              fwrite(out.data, 1, out.len, stdout) == out.len && fflush(stdout) == 0;
  EVP_PKEY_free(key);
  EVP_PKEY_free(other);
  chio_buf_clear(&id);
  chio_buf_clear(&blob);
  chio_buf_clear(&out);
  hsm_clear(&hsm);
  return done ? 0 : fail("nothing could be attested: is that a public key of RSA or EC?");
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[2], "new") == 0) return make_new(argv[1]);
  if (argc >= 4) return attest(argc, argv);
  return fail("make_attestation DIR new | make_attestation DIR google|azure|raw NAME [FLAW]... <PUBLIC.pem");
}
