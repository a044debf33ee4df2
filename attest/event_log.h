/*
 * Event logs of measured boot, in the crypto agile form of the TCG (PC Client Platform Firmware Profile 1.06, 10.2): a
 * TPM's, and that of confidential computing (UEFI 2.11, 38.4: the CCEL table), whose registers are a TD's. A log proves
 * nothing by itself: what it says of an event is the word of whoever kept it, and only that its replay gives registers
 * which evidence proves makes its digests true. What an event's data says is true only where its digest is that of the
 * data (chio_event_confirmed), which it is for some types alone.
 */
#ifndef CHIO_ATTEST_EVENT_LOG_H
#define CHIO_ATTEST_EVENT_LOG_H

#include "attest/crypto.h"
#include "signer/base/cursor.h"

#define CHIO_EVENT_LOG_MAX (16u * 1024u * 1024u)
#define CHIO_EVENTS_MAX 65536u
#define CHIO_EVENT_BANKS_MAX 8u
#define CHIO_EVENT_REGISTERS 24u /* PCR 0 to 23 */
#define CHIO_EVENT_CC_REGISTERS 4u /* RTMR 0 to 3: the log counts them from 1 */

struct chio_event_log {
  struct chio_cursor left;
  bool cc;             /* the registers are a TD's, not PCRs */
  enum chio_hash hash; /* the bank that is read: SHA-256 where there is one, else SHA-384 */
  uint16_t bank;       /* its TPM_ALG_ID */
  size_t banks_count;
  struct {
    uint16_t algorithm, size;
  } banks[CHIO_EVENT_BANKS_MAX];
  uint32_t events; /* read so far */
};

struct chio_event {
  uint32_t number; /* in the log, from 1 */
  uint32_t index;  /* of the PCR, or of the RTMR */
  uint32_t type;   /* EV_... */
  struct chio_slice digest, data; /* borrowed from the log */
};

/* Whether bytes begin as such a log does. */
bool chio_event_log_is(struct chio_slice bytes);

/* Reads the log's head. CHIO_E_MALFORMED, CHIO_E_TRUNCATED; CHIO_E_TOO_LONG; CHIO_E_UNSUPPORTED: there is neither
 * SHA-256 nor SHA-384. */
CHIO_MUST_CHECK enum chio_err chio_event_log_open(struct chio_slice bytes, struct chio_event_log *out);

/* The next event; *out_more false, and no event, at the end: of the bytes, or where only padding follows (all of it
 * 0xff, or 0). CHIO_E_MALFORMED (a register or bank that there is not), CHIO_E_TRUNCATED, CHIO_E_TOO_LONG (events). */
CHIO_MUST_CHECK enum chio_err chio_event_log_next(struct chio_event_log *log, struct chio_event *out, bool *out_more);

struct chio_event_registers {
  uint32_t present; /* bit n: register n was extended; of a TD's all four are there */
  size_t size;      /* of a value */
  uint8_t value[CHIO_EVENT_REGISTERS][CHIO_SHA384_SIZE];
};

/* Replays a log from its first event on: the registers after it. Errors as above. */
CHIO_MUST_CHECK enum chio_err chio_event_log_replay(struct chio_slice bytes, struct chio_event_registers *out);

/* Whether the digest is that of the data, so that the one who made the other vouches for the one. */
bool chio_event_confirmed(const struct chio_event_log *log, const struct chio_event *event);

/* "EV_SEPARATOR"; "EV_UNKNOWN" for those that are not known. Static. */
const char *chio_event_type_name(uint32_t type);

/* What the data says, for a person: the name of a variable, text, else how many bytes there are. Printable ASCII. */
void chio_event_describe(const struct chio_event *event, struct chio_buf *out);

#endif
