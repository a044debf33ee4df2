#!/bin/sh
# GnuTLS' p11tool, as a user types it, over p11-kit.
if [ -z "${CHIO_TEST_DIR:-}" ]; then
  command -v p11tool >/dev/null || { echo "1..0 # SKIP there is no p11tool (Debian: gnutls-bin)"; exit 0; }
  exec "$abs_top_srcdir/tests/support/with-chiod" sh "$0"
fi
. "$abs_top_srcdir/tests/support/tap.sh"

cd "$CHIO_TEST_DIR" || exit 99
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout other.key -out other.pem -subj /CN=other \
  -days 2 2>/dev/null || exit 99

tool() {
  p11tool --batch --provider "$CHIO_PKCS11_MODULE" "$@"
}

user() {
  tool --login --set-pin 123456 "$@"
}

lists() {
  tool "$1" "pkcs11:token=test" | grep -q -e "$2"
}

lists_for_user() {
  user --list-all "pkcs11:token=test" | grep -q -e "$1"
}

signs() {
  user --test-sign "pkcs11:token=test;object=$1;type=private"
}

certifies() {
  printf 'cn = "test"\nexpiration_days = 2\nsigning_key\n' >template
  GNUTLS_PIN=123456 certtool --provider "$CHIO_PKCS11_MODULE" --generate-self-signed --template template \
    --load-privkey "pkcs11:token=test;object=$1;type=private" --load-pubkey "$1.pub" --outfile cert.pem &&
    openssl verify -CAfile cert.pem -check_ss_sig cert.pem
}

check "the token is listed" sh -c 'p11tool --provider "$CHIO_PKCS11_MODULE" --list-tokens | grep -q "token=test"'
check "an Ed25519 key is born" user --generate-privkey=ed25519 --label ed --outfile ed.pub "pkcs11:token=test"
check "a P-256 key is born" user --generate-privkey=ecdsa --curve secp256r1 --label ec --outfile ec.pub "pkcs11:token=test"
check "an RSA key is born" user --generate-privkey=rsa --bits 2048 --label rsa --outfile rsa.pub "pkcs11:token=test"
check "openssl reads the public keys" sh -c 'for k in ed ec rsa; do openssl pkey -pubin -in $k.pub -noout || exit 1; done'
# p11tool --test-sign knows no Ed25519.
check "the Ed25519 key signs a certificate" certifies ed
check "the P-256 key signs" signs ec
check "the RSA key signs" signs rsa
check "the user sees private keys" lists_for_user "type=private"
check "the kind of each key is told" lists_for_user "EdDSA (Ed25519)"
check "certificates are seen without login" lists --list-all-certs "type=cert"
refute "private keys are not" lists --list-all "type=private"
check "a certificate is written" user --write --load-certificate other.pem --label other "pkcs11:token=test"
check "and read back" sh -c 'p11tool --batch --provider "$CHIO_PKCS11_MODULE" --export "pkcs11:token=test;object=other;type=cert" |
  openssl x509 -noout -subject | grep -q "CN *= *other"'
check "and deleted" user --delete "pkcs11:token=test;object=other"
refute "a wrong PIN is refused" tool --login --set-pin 000000 --list-all "pkcs11:token=test"
check "a token is made anew, with its PIN" sh -c '
  p11tool --batch --provider "$CHIO_PKCS11_MODULE" --initialize --label again --set-so-pin 12345678 "pkcs11:token=test" &&
  p11tool --batch --provider "$CHIO_PKCS11_MODULE" --initialize-pin --set-so-pin 12345678 --set-pin 999999 "pkcs11:token=again" &&
  p11tool --batch --provider "$CHIO_PKCS11_MODULE" --login --set-pin 999999 --generate-privkey=ed25519 --label new \
    --outfile new.pub "pkcs11:token=again"'
plan
