/* What HSMs attest of a key: its halves, what is said of them, and which public key it is. */
#ifndef CHIO_ATTEST_CAVIUM_KEY_H
#define CHIO_ATTEST_CAVIUM_KEY_H

#include "attest/cavium.h"
#include "attest/judge.h"

/* Judges the objects of all attestations of one key: there is one private key, made in the HSM, sensitive, never
 * extractable; the other halves are of the same key. Records the claims, and the key as the one that is judged. */
void chio_cavium_judge_key(struct chio_judge *j, const struct chio_cavium *attestations, size_t count);

#endif
