#!/bin/sh
# evidence.sh with SGX quotes.
export CHIO_TEST_PLATFORM=sim-sgx
. "$abs_top_srcdir/tests/module/evidence.sh"
