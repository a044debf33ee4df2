#!/bin/sh
# policy_add.sh with Nitro documents.
export CHIO_TEST_PLATFORM=sim-nitro
. "$abs_top_srcdir/tests/module/policy_add.sh"
