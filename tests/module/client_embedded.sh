#!/bin/sh
# The client with a signer in its own process.
exec "$abs_top_srcdir/tests/support/with-chiod" --embedded "$abs_top_builddir/tests/module/client_embedded"
