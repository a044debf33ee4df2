/*
 * The rules of a policy for the hardware, where no hardware's own word is at hand but a service's about it: a rule is
 * held against what the token says, and where the token says nothing of what is demanded, it is refused.
 */
#ifndef CHIO_ATTEST_TOKEN_RULES_H
#define CHIO_ATTEST_TOKEN_RULES_H

#include "attest/judge.h"

/* Finds a claim of a token; NULL when it has none of that name. */
typedef const struct chio_json *chio_claim_finder(const void *token, const char *name);

/* The tables of the result's TEE. find NULL: a token that says nothing of them. */
void chio_judge_token_rules(struct chio_judge *j, chio_claim_finder *find, const void *token);

#endif
