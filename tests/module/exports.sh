#!/bin/sh
# Each module exports its entry points and nothing else, stands on the libraries it may stand on, and is a guest in
# someone's process: it neither prints nor exits nor touches signals, the locale or the plain environment.
guest='getenv|exit|_exit|abort|signal|sigaction|setlocale|printf|puts|perror|syslog|system|popen'
libraries='libcurl|libssl|libjansson|libsqlite3|libcbor|libp11-kit'
count=0

report() {
  count=$((count + 1))
  if [ -z "$1" ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; echo "$1" | sed 's/^/# /'; fi
}

# module FILE EXPORTS FORBIDDEN-LIBRARIES
module() {
  name=$(basename "$1")
  exports=$(nm -D --defined-only "$1" | awk '{ print $3 }' | sed 's/@.*//' | sort | tr '\n' ' ')
  [ "$exports" = "$2" ] && exports=
  report "$exports" "$name exports its entry points alone"
  needed=$(readelf -d "$1" | grep NEEDED || echo "no dynamic section")
  report "$(echo "$needed" | grep -E "$3|no dynamic")" "$name needs no library it should not"
  report "$(nm -D --undefined-only "$1" | awk '{ print $2 }' | sed 's/@.*//' | grep -xE "$guest")" \
    "$name behaves as a guest"
}

if nm -D "$abs_top_builddir/pkcs11/.libs/chio-pkcs11.so" | grep -q '__[a-z]*san_'; then
  echo "1..0 # SKIP a sanitizer's runtime is linked in"
  exit 0
fi
echo 1..6
module "$abs_top_builddir/pkcs11/.libs/chio-pkcs11.so" "C_GetFunctionList C_GetInterface C_GetInterfaceList " \
  "$libraries|libcrypto"
module "$abs_top_builddir/provider/.libs/chio.so" "OSSL_provider_init " "$libraries"
