#!/bin/sh
# attest_chio.sh on a simulated SEV-SNP machine.
export CHIO_TEST_PLATFORM=sim-snp
. "$abs_top_srcdir/tests/module/attest_chio.sh"
