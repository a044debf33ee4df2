#!/bin/sh
# containers_snp.sh on the simulated platform of nitro.
export CHIO_TEST_PLATFORM=sim-nitro
. "$abs_top_srcdir/tests/module/containers_snp.sh"
