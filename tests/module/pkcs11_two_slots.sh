#!/bin/sh
# The text comes last in hsm.toml, under [token].
CHIO_TEST_CONFIG="token.slots = 2" exec "$abs_top_srcdir/tests/support/with-chiod" "$abs_top_builddir/tests/module/pkcs11_two_slots"
