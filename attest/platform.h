/*
 * Where evidence is made: the platform the signer runs on. Chosen by name or by looking; sim-* make the same formats,
 * byte for byte, under a root of their own that they create in the state folder at first start: DIR/sim/tdx.pem (0600)
 * holds keys and certificates, DIR/sim/tdx-root.pem the root's certificate alone, for verifiers; snp, sgx, nitro alike.
 */
#ifndef CHIO_ATTEST_PLATFORM_H
#define CHIO_ATTEST_PLATFORM_H

#include "signer/base/buf.h"
#include "signer/base/err.h"

#include <sys/types.h>

#define CHIO_REPORT_DATA_SIZE 64u
#define CHIO_MEASUREMENT_MAX 64u
#define CHIO_QUOTE_MAX (64u * 1024u)

struct chio_platform;

/* name: "sim-tdx", "tdx", ... or "auto" (real hardware if there is any, else sim-tdx, said loudly by the caller's log).
 * measured_file: what a simulated platform hashes as its measurement; NULL: /proc/self/exe.
 * CHIO_E_UNSUPPORTED (no such name), CHIO_E_PLATFORM, CHIO_E_IO. */
CHIO_MUST_CHECK enum chio_err chio_platform_open(const char *name, const char *state_dir, const char *measured_file,
                                                 struct chio_platform **out_platform, struct chio_detail *detail);
void chio_platform_free(struct chio_platform *platform);

/* For root, before it becomes that user: does for the platform of that name (as above) what only root can, so that it
 * opens afterwards. An entry of configfs-tsm is made and given to the user; a device is opened, and kept open for this
 * process. Nothing is done for simulated platforms. CHIO_E_UNSUPPORTED, CHIO_E_PLATFORM, CHIO_E_PERMISSION. */
CHIO_MUST_CHECK enum chio_err chio_platform_prepare(const char *name, uid_t uid, gid_t gid,
                                                    struct chio_detail *detail);

/* "sim-tdx", "tdx" ...: the value of CKA_CHIO_TEE. */
const char *chio_platform_name(const struct chio_platform *platform);
bool chio_platform_is_simulated(const struct chio_platform *platform);

/* A quote over the report data, appended raw. May take tens of milliseconds. Thread-safe. CHIO_E_PLATFORM. */
CHIO_MUST_CHECK enum chio_err chio_platform_quote(struct chio_platform *platform,
                                                  const uint8_t report_data[CHIO_REPORT_DATA_SIZE],
                                                  struct chio_buf *out_quote, struct chio_detail *detail);

/* The same, with a public key (SubjectPublicKeyInfo) in it to which others may encrypt: a Nitro document has a place
 * for one. CHIO_E_UNSUPPORTED where a quote has none. */
CHIO_MUST_CHECK enum chio_err chio_platform_quote_for(struct chio_platform *platform,
                                                      const uint8_t report_data[CHIO_REPORT_DATA_SIZE],
                                                      struct chio_slice public_key, struct chio_buf *out_quote,
                                                      struct chio_detail *detail);

/* Certificates that a verifier needs and the quote does not carry (SNP alone: VCEK, ASK, ARK), concatenated PEM
 * appended; often none. */
CHIO_MUST_CHECK enum chio_err chio_platform_certificates(struct chio_platform *platform, struct chio_buf *out_pem);

/* The root certificate of a simulated platform as PEM, appended: what a relying party must name to accept its quotes.
 * CHIO_E_UNSUPPORTED for real hardware, whose anchors are pinned in the verifier. */
CHIO_MUST_CHECK enum chio_err chio_platform_root(const struct chio_platform *platform, struct chio_buf *out_pem);

/* The measurement in a quote of this platform (MRENCLAVE, MRTD, launch digest, PCR0). CHIO_E_EVIDENCE_FORMAT. */
CHIO_MUST_CHECK enum chio_err chio_platform_measurement(const struct chio_platform *platform, struct chio_slice quote,
                                                        uint8_t out[CHIO_MEASUREMENT_MAX], size_t *out_len);

#endif
