#ifndef CHIO_ATTEST_MAA_H
#define CHIO_ATTEST_MAA_H

#include "attest/judge.h"
#include "attest/jws.h"

/* A token of Microsoft Azure Attestation. */
void chio_judge_maa(struct chio_judge *j, const struct chio_jws *token);

#endif
