/* /dev/nsm: the Nitro security module of an AWS enclave (aws-nitro-enclaves-nsm-api; Linux, drivers/misc/nsm.c). */
#ifndef CHIO_ATTEST_NSM_H
#define CHIO_ATTEST_NSM_H

#include "attest/sev_guest.h"

#define CHIO_NSM_DEVICE "/dev/nsm"
#define CHIO_NSM_REQUEST_MAX 0x1000u
#define CHIO_NSM_RESPONSE_MAX 0x3000u
#define CHIO_NSM_TRIES 4u
#define CHIO_NSM_RAW 0xc0200a00ul

struct chio_nsm {
  const char *path;
  chio_ioctl *call;
  unsigned pause_ms; /* before the second try; each later one waits twice as long */
};

/* struct nsm_raw, held to its layout by a test. */
struct chio_nsm_raw {
  uint64_t request, request_len, response, response_len;
};

/* The document in a reply to Attestation, borrowed from it. CHIO_E_PLATFORM: the module refuses, detail says with which
 * error, or the reply is none. */
CHIO_MUST_CHECK enum chio_err chio_nsm_reply(struct chio_slice reply, struct chio_slice *out_document,
                                             struct chio_detail *detail);

/* A document with the report data as its user data and the public key, if it is not empty, as its own, appended.
 * CHIO_E_PLATFORM, CHIO_E_PERMISSION. */
CHIO_MUST_CHECK enum chio_err chio_nsm_document(const struct chio_nsm *nsm,
                                                const uint8_t report_data[CHIO_REPORT_DATA_SIZE],
                                                struct chio_slice public_key, struct chio_buf *out,
                                                struct chio_detail *detail);

#endif
