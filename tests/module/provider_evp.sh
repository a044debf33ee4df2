#!/bin/sh
# tests/module/provider_evp.c under a signer of its own.
. "$abs_top_srcdir/tests/support/tap.sh"
under_chiod
. "$abs_top_srcdir/tests/module/provider.sh"
make_keys ed25519 p256 rsa2048 p256-other
exec "$abs_top_builddir/tests/module/provider_evp"
