#!/bin/sh
# The file chio.so itself: what it shows to the process that loads it, and what it needs there.
. "$abs_top_srcdir/tests/support/tap.sh"
module=$abs_top_builddir/provider/.libs/chio.so

is "it exports its entry point and nothing else" OSSL_provider_init \
  "$(echo $(nm -D --defined-only "$module" | awk '{ print $3 }'))"
needed=$(readelf -d "$module" | grep NEEDED)
for library in libssl libcurl libjansson libsqlite3 libpthread libp11-kit; do
  lacks "it needs no $library" "$library" "$needed"
done
lacks "it has no text relocations" TEXTREL "$(readelf -d "$module")"

table=$abs_top_srcdir/provider/reason.def
page=$abs_top_srcdir/docs/man/chio-provider.7
wrong=
for number in $(sed -n 's/^CHIO_REASON([A-Z_]*, \([0-9]*\),.*/\1/p' "$table"); do
  text=$(sed -n "s/^CHIO_REASON([A-Z_]*, $number, \"\\(.*\\)\")\$/\\1/p" "$table")
  [ "$(sed -n "/^\\.It $number\$/{n;p;}" "$page")" = "$text" ] || wrong="$wrong $number"
done
is "every reason stands in the manual page as it is said" "" "$wrong"

# The example works as it is.
OPENSSL_CONF=$abs_top_srcdir/provider/chio-openssl.cnf
OPENSSL_MODULES=$abs_top_builddir/provider/.libs
CHIO_SIGNER=unix:/nonexistent/chiod.sock
export OPENSSL_CONF OPENSSL_MODULES CHIO_SIGNER
list=$(openssl list -providers)
contains "with the example both providers are there: ours" "Chio HSM provider" "$list"
contains "and the default one" "OpenSSL Default Provider" "$list"
contains "status active" "status: active" "$list"
plan
