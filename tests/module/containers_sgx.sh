#!/bin/sh
# containers_snp.sh on the simulated platform of sgx.
export CHIO_TEST_PLATFORM=sim-sgx
. "$abs_top_srcdir/tests/module/containers_snp.sh"
