#!/bin/sh
# The provider with the signer in the application's own process (CHIO_SIGNER=embedded:DIR).
. "$abs_top_srcdir/tests/support/tap.sh"
under_chiod --embedded
. "$abs_top_srcdir/tests/module/provider.sh"
cd "$CHIO_TEST_DIR" || exit 99

make_keys $keys
configure "pin = 123456"
echo "a message" >message
for type in $keys; do
  check "$type: pkey -pubout" openssl pkey -in "$(uri $type)" -pubout -out $type.pub
  check "$type: pkeyutl -sign" openssl pkeyutl -sign -rawin -inkey "$(uri $type)" -in message -out $type.sig
  check "$type: the signature verifies" openssl pkeyutl -verify -rawin -pubin -inkey $type.pub -in message \
    -sigfile $type.sig
  check "$type: req -x509" openssl req -x509 -new -key "$(uri $type)" -subj /CN=x -out $type.pem
  check "$type: the certificate verifies" openssl verify -check_ss_sig -CAfile $type.pem $type.pem
done
check "signatures inside asynchronous jobs" "$abs_top_builddir/tests/module/provider_async" embedded
check "genpkey works beside it" openssl genpkey -algorithm RSA -out other.pem
plan
