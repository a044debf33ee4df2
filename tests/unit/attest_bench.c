/*
 * How long a judgement takes, cold (no signature remembered) and warm, beside what its signatures alone cost in the
 * same round: every EVP_DigestVerify is counted and timed as it happens (the linker puts ours around it). Of all rounds
 * the fastest is told, which other work on the machine disturbs least. Arguments:
 * EVIDENCE [COLLATERAL [TIME]]; repeated as wanted, separated by "--". Not a test: nothing here passes or fails.
 */
#include "attest/chio_attest.h"
#include "attest/moment.h"
#include "attest/pubkey.h"
#include "signer/base/buf.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 400

static unsigned signatures;
static double signature_seconds;

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int __real_EVP_DigestVerify(EVP_MD_CTX *ctx, const unsigned char *sig, size_t siglen, const unsigned char *tbs,
                            size_t tbslen);
int __wrap_EVP_DigestVerify(EVP_MD_CTX *ctx, const unsigned char *sig, size_t siglen, const unsigned char *tbs,
                            size_t tbslen);

int __wrap_EVP_DigestVerify(EVP_MD_CTX *ctx, const unsigned char *sig, size_t siglen, const unsigned char *tbs,
                            size_t tbslen) {
  double start = seconds();
  int result = __real_EVP_DigestVerify(ctx, sig, siglen, tbs, tbslen);
  signature_seconds += seconds() - start;
  signatures++;
  return result;
}

static struct chio_buf read_file(const char *path) {
  struct chio_buf out = CHIO_BUF_INIT;
  FILE *file = fopen(path, "rb");
  uint8_t *to = chio_buf_reserve(&out, 1 << 20);
  if (file == NULL || to == NULL) {
    perror(path);
    exit(1);
  }
  out.len = fread(to, 1, 1 << 20, file);
  fclose(file);
  return out;
}

static void measure(const char *path, const char *collateral_path, const char *at, bool cold) {
  struct chio_buf evidence = read_file(path);
  struct chio_attest_collateral *collateral = NULL;
  struct chio_attest_request request = {.evidence = evidence.data, .evidence_len = evidence.len, .at = time(NULL)};
  if (collateral_path != NULL && chio_attest_collateral_new(&collateral) == CHIO_ATTEST_OK) {
    (void)chio_attest_collateral_add_path(collateral, collateral_path, NULL);
  }
  if (at != NULL && chio_moment_parse(chio_slice_str(at), &request.at) != CHIO_OK) exit(1);
  request.collateral = collateral;
  struct chio_attest_result *r = NULL;
  char format[32] = "-";
  double best = 1, best_signatures = 0;
  for (int i = 0; i < ROUNDS; i++) {
    if (cold) chio_pubkey_forget();
    signatures = 0;
    signature_seconds = 0;
    double start = seconds();
    if (chio_attest_verify(&request, &r, NULL) != CHIO_ATTEST_OK) exit(1);
    double total = seconds() - start;
    if (total < best) best = total, best_signatures = signature_seconds;
    if (r->format != NULL) snprintf(format, sizeof format, "%s", r->format);
    chio_attest_result_free(r);
  }
  printf("%-10s %s %7.1f us  %2u signatures %7.1f us  own %6.1f us  ratio %.2f  %s\n", format, cold ? "cold" : "warm",
         best * 1e6, signatures, best_signatures * 1e6, (best - best_signatures) * 1e6,
         best_signatures > 0 ? best / best_signatures : 0.0, path);
  chio_attest_collateral_free(collateral);
  chio_buf_clear(&evidence);
}

int main(int argc, char **argv) {
  for (int i = 1; i < argc;) {
    const char *words[3] = {NULL, NULL, NULL};
    int n = 0;
    while (i < argc && argv[i][0] != '-' && n < 3) words[n++] = argv[i++];
    while (i < argc && argv[i][0] == '-') i++;
    if (n == 0) continue;
    measure(words[0], words[1], words[2], true);
    measure(words[0], words[1], words[2], false);
  }
  return 0;
}
