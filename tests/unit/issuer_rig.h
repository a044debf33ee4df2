/* What the tests of issuers share: a core whose slot 224 is a backend with one issuer, an Ed25519 key of a fake KMS. */
#ifndef CHIO_TESTS_ISSUER_RIG_H
#define CHIO_TESTS_ISSUER_RIG_H

#include "tests/unit/core_rig.h"
#include "tests/unit/fake_backend.h"

#define SLOT CHIO_BACKEND_SLOT_FIRST

/* The KMS; the caller clears it. */
extern struct fake_backend fake;

/* As rig_prepare. */
void issuer_prepare(struct rig *rig);

/* The issuer's private key in slot 224, which is looked up by that. */
void issuer_find(struct rig *rig, struct chio_uid *out_issuer);

#endif
