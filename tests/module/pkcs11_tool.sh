#!/bin/sh
# OpenSC's pkcs11-tool, as a user types it.
if [ -z "${CHIO_TEST_DIR:-}" ]; then
  command -v pkcs11-tool >/dev/null || { echo "1..0 # SKIP there is no pkcs11-tool (Debian: opensc)"; exit 0; }
  exec "$abs_top_srcdir/tests/support/with-chiod" sh "$0"
fi
. "$abs_top_srcdir/tests/support/tap.sh"

cd "$CHIO_TEST_DIR" || exit 99
echo "a message" >message
openssl dgst -sha256 -binary message >digest

tool() {
  pkcs11-tool --module "$CHIO_PKCS11_MODULE" "$@"
}

user() {
  tool --login --pin 123456 "$@"
}

generated() {
  user --keypairgen --key-type "$1" --id "$2" --label "$3" | grep -q "never extractable, local"
}

# sign MECHANISM ID INPUT: signs on the token, verifies there, then by openssl with the public key read from the token.
signs() {
  rm -f signature
  user --sign -m "$1" --id "$2" -i "$3" -o signature &&
    tool --verify -m "$1" --id "$2" -i "$3" --signature-file signature | grep -q "Signature is valid"
}

openssl_agrees() {
  tool --read-object --type pubkey --id "$1" -o public.der && user --sign -m "$2" --id "$1" -i message -o signature &&
    shift 2 && openssl dgst "$@" -keyform DER -verify public.der -signature signature message
}

# ID MECHANISM DIGEST HEAD WRAP: the public key is the DER head of its curve and the listed point without its OCTET
# STRING (pkcs11-tool 0.23 reads freed memory when it writes an EC public key itself).
ecdsa_openssl_agrees() {
  point=$(tool -O --type pubkey --id "$1" | sed -n "s/.*EC_POINT: *$5//p")
  printf '%s%s' "$4" "$point" | tr a-f A-F | basenc --base16 -d >public.der &&
    user --sign -m "$2" --signature-format openssl --id "$1" -i message -o signature &&
    openssl dgst "$3" -keyform DER -verify public.der -signature signature message
}

check "the token is listed" sh -c 'pkcs11-tool --module "$CHIO_PKCS11_MODULE" -L | grep -q "token label *: test"'
check "mechanisms are listed as hardware" sh -c 'pkcs11-tool --module "$CHIO_PKCS11_MODULE" -M | grep -q "ECDSA-SHA256.* hw, sign, verify"'
check "a P-256 key is born" generated EC:prime256v1 01 ec256
check "a P-384 key is born" generated EC:secp384r1 02 ec384
check "an Ed25519 key is born" generated EC:edwards25519 03 ed
check "an RSA key is born" generated rsa:2048 04 rsa
refute "another curve is refused" user --keypairgen --key-type EC:secp256k1 --id 05
refute "a wrong PIN is refused" tool --login --pin 000000 -O
check "ECDSA over a digest" signs ECDSA 01 digest
check "ECDSA that hashes" signs ECDSA-SHA256 01 message
check "ECDSA with P-384" signs ECDSA-SHA384 02 message
check "EdDSA" signs EDDSA 03 message
check "RSA with PKCS #1 v1.5" signs SHA256-RSA-PKCS 04 message
check "RSA with PSS" signs SHA256-RSA-PKCS-PSS 04 message
check "openssl verifies what RSA signed" openssl_agrees 04 SHA256-RSA-PKCS -sha256
check "openssl verifies what P-256 signed" ecdsa_openssl_agrees 01 ECDSA-SHA256 -sha256 \
  3059301306072a8648ce3d020106082a8648ce3d030107034200 0441
check "openssl verifies what P-384 signed" ecdsa_openssl_agrees 02 ECDSA-SHA384 -sha384 \
  3076301006072a8648ce3d020106052b81040022036200 0461
check "public objects are listed without login" sh -c 'pkcs11-tool --module "$CHIO_PKCS11_MODULE" -O | grep -q "Public Key Object; RSA 2048"'
refute "private objects are not" sh -c 'pkcs11-tool --module "$CHIO_PKCS11_MODULE" -O | grep -q "Private Key Object"'
check "the tool's own test finds no error" sh -c 'pkcs11-tool --module "$CHIO_PKCS11_MODULE" --login --pin 123456 --test | grep -q "No errors"'
check "random bytes are given" tool --generate-random 32 -o random
check "a PIN is changed and changed back" sh -c '
  pkcs11-tool --module "$CHIO_PKCS11_MODULE" --login --pin 123456 --change-pin --new-pin 654321 &&
  pkcs11-tool --module "$CHIO_PKCS11_MODULE" --login --pin 654321 --change-pin --new-pin 123456'
check "a key is deleted" user --delete-object --type privkey --id 04
plan
