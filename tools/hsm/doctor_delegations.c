#include "attest/moment.h"
#include "attest/x509.h"
#include "signer/base/lifetime.h"
#include "tools/hsm/delegation.h"
#include "tools/hsm/doctor.h"

#define SLACK 3600 /* seconds that a renewal may take, at most */

/* When chiod ought to have renewed it, some trials included. */
static int64_t renewed_by(const struct chio_cert *cert) {
  int64_t ahead = (int64_t)chio_lifetime_ahead((uint64_t)(cert->not_after - cert->not_before));
  return cert->not_after - ahead + (ahead / 4 < SLACK ? ahead / 4 : SLACK);
}

void hsm_doctor_delegation(struct hsm_doctor *d, const struct hsm_key *key, struct hsm_delegations *seen) {
  char until[CHIO_MOMENT_TEXT];
  struct chio_slice chain, certificate;
  struct chio_cert cert;
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  if (holder == NULL || hsm_delegation_get(d->hsm, key, &chain, holder, NULL) != CHIO_OK ||
      hsm_delegation_next(&chain, &certificate) != CHIO_OK || chio_cert_parse(certificate, &cert) != CHIO_OK ||
      cert.not_after <= cert.not_before)
    return;
  chio_moment_text(cert.not_after, until);
  if (d->expectation.at >= cert.not_after) {
    seen->over++;
    hsm_doctor_name(key, until, &seen->over_names);
  } else if (d->expectation.at >= renewed_by(&cert)) {
    seen->late++;
    hsm_doctor_name(key, until, &seen->late_names);
  } else {
    seen->good++;
  }
}

static const char *text_of(struct chio_buf *names) {
  const char *text = chio_buf_cstr(names);
  return text != NULL ? text : "";
}

void hsm_doctor_delegations_tell(struct hsm_doctor *d, struct hsm_delegations *seen) {
  if (seen->over > 0)
    hsm_doctor_find(d, true, "delegation", "nobody vouches for %zu keys any more; it ended: %s", seen->over,
                    text_of(&seen->over_names));
  if (seen->late > 0)
    hsm_doctor_find(d, true, "delegation",
                    "that of %zu keys was not renewed in time (the signer's log says why); it ends: %s", seen->late,
                    text_of(&seen->late_names));
  if (seen->good > 0) hsm_doctor_find(d, false, "delegation", "issuers vouch for %zu keys for a while", seen->good);
  chio_buf_clear(&seen->over_names);
  chio_buf_clear(&seen->late_names);
}
