#!/bin/sh
# tests/module/provider_async.c under a signer of its own.
. "$abs_top_srcdir/tests/support/tap.sh"
under_chiod
. "$abs_top_srcdir/tests/module/provider.sh"
make_keys ed25519 p256 rsa2048
exec "$abs_top_builddir/tests/module/provider_async"
