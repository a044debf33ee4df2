/* A signature in PKCS#11's form, verified with libcrypto: for tests of what the KMS adapters bring home. */
#ifndef CHIO_TESTS_VERIFY_SIGNATURE_H
#define CHIO_TESTS_VERIFY_SIGNATURE_H

#include "kms-adapters/adapter.h"

/* data as sign of chio_adapter_ops takes it. */
bool verify_signature(const struct chio_kms_key *key, const struct chio_mechanism *mechanism,
                      const struct chio_mech_params *params, struct chio_slice data, struct chio_slice signature);

#endif
