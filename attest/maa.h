#ifndef CHIO_ATTEST_MAA_H
#define CHIO_ATTEST_MAA_H

#include "attest/judge.h"

/* Whether the text is a JSON Web Token by its looks. */
bool chio_maa_looks_like(struct chio_slice text);

/* A token of Microsoft Azure Attestation. */
void chio_judge_maa(struct chio_judge *j, struct chio_slice text);

#endif
