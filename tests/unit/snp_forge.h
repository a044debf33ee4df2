/*
 * A forged SEV-SNP platform: a root of ours that has AMD's profile, endorsement keys' certificates and reports with
 * anything wrong, and judgements of them. Includes cmocka for the tests.
 */
#ifndef CHIO_TESTS_SNP_FORGE_H
#define CHIO_TESTS_SNP_FORGE_H

#include "attest/snp.h"
#include "tests/unit/forge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* The platform's TCB. */
enum { BOOTLOADER = 4, TEE = 0, SNP = 24, MICROCODE = 213 };

/* What snp_set_up makes. turin_ask: of ask_key, for another product. */
extern EVP_PKEY *ark_key, *ask_key, *asvk_key, *vek_key, *other_key;
extern X509 *ark, *ask, *asvk, *turin_ask;

int snp_set_up(void **state);
int snp_tear_down(void **state);

/* An endorsement key's certificate; GOOD has nothing wrong. */
struct vek {
  const char *product; /* NULL: "Milan-B0" */
  const char *cn;      /* NULL: SEV-VCEK */
  bool vlek;           /* csp id in place of a chip's */
  bool under_asvk;
  uint8_t svns[4]; /* boot loader, TEE, SNP, microcode; all zero: the platform's */
  int fmc;         /* -1: none */
  uint8_t chip0;   /* the first byte of the chip id; 0: the platform's */
  size_t chip_len; /* 0: 64 */
  bool without_svn;
  struct forge_cert cert; /* more: flags, times, ca */
  EVP_PKEY *key;          /* NULL: vek_key */
};

#define GOOD \
  { .fmc = -1 }

struct change {
  size_t at;
  uint8_t value;
};

#define CHANGES_MAX 6

/* Changes of the signed part are made before signing, others afterwards. */
void make_report(const struct change *changes, size_t count, EVP_PKEY *key, uint8_t r[CHIO_SNP_REPORT_SIZE]);

/* policy_text: more of one; NULL: no policy, but the root. crl: may be NULL. */
struct chio_attest_result *judge(struct chio_slice evidence, const struct vek *v, const char *policy_text, bool trusted,
                                 const struct chio_buf *crl);

/* One refusal: what the report has wrong, what its certificate. */
struct row {
  const char *name;
  struct change changes[CHANGES_MAX];
  size_t count;
  struct vek vek;
  const char *policy;
  enum chio_attest_reason reason;
  uint32_t unproved;
};

void judge_rows(const struct row *rows, size_t count);

#endif
