#!/bin/sh
exec "$abs_top_srcdir/tests/support/with-chiod" "$abs_top_builddir/tests/module/pkcs11_operations"
