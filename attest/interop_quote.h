/*
 * Quotes in the layouts that Chio's own verifier reads (chio-attest-verify): near those of TDX and SEV-SNP, and not the
 * same. One key signs the quote itself; no quoting enclave stands between. Made by simulated platforms alone: no
 * vendor's key signs such bytes. Integers are little-endian, signatures r || s, big-endian.
 *
 *   TDX   header (48) || TD report (584) || length of the signature (4) || signature over the first 632 bytes
 *   SNP   768 bytes of fields, the last four the length of the signature || signature over all of them
 */
#ifndef CHIO_ATTEST_INTEROP_QUOTE_H
#define CHIO_ATTEST_INTEROP_QUOTE_H

#include "attest/dcap.h"
#include "signer/base/buf.h"
#include "signer/base/err.h"

#define CHIO_INTEROP_TDX_SIGNED (CHIO_DCAP_HEADER_SIZE + CHIO_DCAP_TD10_SIZE)
#define CHIO_INTEROP_SNP_SIGNED 0x300u
#define CHIO_INTEROP_SNP_NOTE_SIZE 0x70u /* room before the measurement that nothing is said of */
#define CHIO_INTEROP_VMPL_MAX 3u

enum chio_interop_kind { CHIO_INTEROP_TDX, CHIO_INTEROP_SNP };

/* Borrowed from the quote's bytes. */
struct chio_interop_quote {
  enum chio_interop_kind kind;
  bool p384;              /* the signing key; SNP: always */
  bool vlek;              /* SNP */
  uint32_t vmpl;          /* SNP: 0 to 3 */
  uint32_t reported_tcb;  /* SNP: not 0 */
  struct chio_slice body; /* TDX: the TD report */
  struct chio_slice note; /* SNP: CHIO_INTEROP_SNP_NOTE_SIZE bytes; writing: at most as many */
  struct chio_slice measurement, report_data; /* 48 and 64 bytes; TDX: in the body */
  struct chio_slice signed_data, signature;   /* reading alone */
};

/* Step one: what is to be signed, appended. CHIO_E_ARGUMENT: a field is out of its range. */
CHIO_MUST_CHECK enum chio_err chio_interop_layout(const struct chio_interop_quote *quote, struct chio_buf *out);

/* Step two: the signature after what was signed. CHIO_E_ARGUMENT: it is not of the size that the layout says. */
CHIO_MUST_CHECK enum chio_err chio_interop_finish(const struct chio_interop_quote *quote, struct chio_slice signature,
                                                  struct chio_buf *out);

/* The whole quote and nothing after it. CHIO_E_MALFORMED (another size, a wrong constant, key fields that contradict
 * each other, a TCB of 0), CHIO_E_UNSUPPORTED (another type of key). Nothing is judged. */
CHIO_MUST_CHECK enum chio_err chio_interop_parse(struct chio_slice bytes, struct chio_interop_quote *out);

/* Whether bytes are of such a size and shape: no DCAP quote and no SNP report is. */
bool chio_interop_looks_like(struct chio_slice bytes);

#endif
