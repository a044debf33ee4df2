/* The collateral that the front end fetched, keeps and renews ([collateral] of hsm.toml), for judgements made here. */
#ifndef CHIO_CORE_KEPT_COLLATERAL_H
#define CHIO_CORE_KEPT_COLLATERAL_H

#include "attest/chio_attest.h"
#include "signer/core/state.h"

/* Adds all of it; where nothing is kept yet, what this signer's own evidence needs is fetched before, once in ten
 * minutes. What cannot be had is left out: whether enough is there, the judgement says. May wait for the network. */
void chio_kept_collateral_add(struct chio_core *core, struct chio_attest_collateral *collateral);

#endif
