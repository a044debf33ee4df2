#!/bin/sh
# evidence.sh with SEV-SNP reports, whose certificates stand beside them.
export CHIO_TEST_PLATFORM=sim-snp
. "$abs_top_srcdir/tests/module/evidence.sh"
