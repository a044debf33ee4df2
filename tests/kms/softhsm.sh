#!/bin/sh
# The adapter for another PKCS#11 module, with SoftHSM2 as the HSM behind us.
set -u
. "$abs_top_srcdir/tests/support/tap.sh"
. "$abs_top_srcdir/tests/kms/use.sh"
use_server softhsm

pin=$CHIO_TEST_MODULE_PIN_FILE
hsm() {
  adapter pkcs11 --module "$CHIO_TEST_MODULE" --token "$CHIO_TEST_MODULE_TOKEN" --secret-file "$pin" "$@"
}

check "the token and the PIN are good" hsm health
for row in "ec 256 k256" "ec 384 k384" "ec 521 k521" "ed25519 255 ked" "rsa 2048 k2048"; do
  # shellcheck disable=SC2086
  check "a key is made: $row" hsm --timeout-ms 60000 create $row
done
contains "a label that is taken makes no key" EXISTS "$(hsm create ec 256 k256 2>&1)"
contains "the list has them" "object=ked" "$(hsm list)"
for row in "k256 ECDSA" "k256 ECDSA_SHA256" "k384 ECDSA_SHA384" "k521 ECDSA_SHA512" "ked EDDSA" "k2048 RSA_PKCS" \
  "k2048 SHA256_RSA_PKCS" "k2048 SHA512_RSA_PKCS" "k2048 SHA224_RSA_PKCS_PSS" "k2048 SHA256_RSA_PKCS_PSS" \
  "k2048 SHA512_RSA_PKCS_PSS"; do
  check "libcrypto verifies ${row#* } of ${row% *}" hsm --count 4 sign "pkcs11:object=${row% *}" "${row#* }"
done
check "300 signatures of P-521 in 8 threads" hsm --count 300 --threads 8 --timeout-ms 60000 sign pkcs11:object=k521 ECDSA_SHA512
uri=$(hsm describe "pkcs11:object=k256" | cut -d' ' -f1)
contains "a described key is pinned to its id" "id=%" "$uri"
check "and signs by that URI" hsm sign "$uri" ECDSA_SHA256
check "random bytes" hsm random 32

# Sealing: AES-GCM under an AES key, else RSA-OAEP; SoftHSM2 has OAEP with SHA-1 alone.
if command -v pkcs11-tool >/dev/null; then
  p11() {
    pkcs11-tool --module "$CHIO_TEST_MODULE" --token-label behind --login --pin 87654321 "$@"
  }
  p11 --keygen --key-type AES:32 --label wrap --id aa >/dev/null 2>&1
  p11 --keypairgen --key-type rsa:2048 --label unwrap --id bb --usage-decrypt >/dev/null 2>&1
  printf 'thirty-two bytes of a secret key' >"$use_dir/plain"
  for key in wrap unwrap; do
    sealed=$use_dir/$key.sealed
    hsm encrypt "pkcs11:object=$key" symmetric context <"$use_dir/plain" >"$sealed"
    is "$key seals" 0 $?
    is "$key opens it" "$(cat "$use_dir/plain")" "$(hsm decrypt "pkcs11:object=$key" symmetric context <"$sealed")"
    lacks "the secret is not in it" "$(cat "$use_dir/plain")" "$(tr -d '\000' <"$sealed")"
    refute "but not for another use: $key" hsm decrypt "pkcs11:object=$key" symmetric other <"$sealed"
    size=$(wc -c <"$sealed")
    { head -c $((size - 1)) "$sealed" && printf x; } >"$use_dir/changed"
    refute "nor when a byte was changed: $key" hsm decrypt "pkcs11:object=$key" symmetric context <"$use_dir/changed"
    head -c 20 "$sealed" >"$use_dir/short"
    refute "nor when the end is missing: $key" hsm decrypt "pkcs11:object=$key" symmetric context <"$use_dir/short"
  done
  is "the AES key sealed by AES-GCM" 01 "$(head -c 1 "$use_dir/wrap.sealed" | od -An -tx1 | tr -d ' ')"
  is "the RSA key by OAEP with SHA-1" 03 "$(head -c 1 "$use_dir/unwrap.sealed" | od -An -tx1 | tr -d ' ')"
  contains "what was not sealed here is told as such" "was not sealed here" \
    "$(hsm decrypt pkcs11:object=wrap symmetric context <"$use_dir/plain" 2>&1)"
  contains "what one key sealed, the other does not open" NOT_FOUND \
    "$(hsm decrypt pkcs11:object=unwrap symmetric context <"$use_dir/wrap.sealed" 2>&1)"
  contains "an EC key seals nothing" KEY_TYPE "$(hsm encrypt pkcs11:object=k256 symmetric context <"$use_dir/plain" 2>&1)"
  contains "more than fits is refused" DATA_LEN "$(head -c 4097 /dev/zero | hsm encrypt pkcs11:object=wrap symmetric x 2>&1)"
  contains "evidence means nothing to a module" UNSUPPORTED \
    "$(hsm --evidence "$use_dir/plain" decrypt pkcs11:object=wrap symmetric context <"$use_dir/wrap.sealed" 2>&1)"
  hsm encrypt pkcs11:object=unwrap oaep-sha1 <"$use_dir/plain" >"$use_dir/oaep"
  is "bare RSA-OAEP is opened too" "$(cat "$use_dir/plain")" "$(hsm decrypt pkcs11:object=unwrap oaep-sha1 <"$use_dir/oaep")"
  refute "with its own hash" hsm decrypt pkcs11:object=unwrap oaep-sha256 <"$use_dir/oaep"
else
  skip "sealing" "there is no pkcs11-tool to make an AES key with (Debian: opensc)"
fi

contains "a key that is not there is not found" NOT_FOUND "$(hsm sign pkcs11:object=nokey ECDSA_SHA256 2>&1)"
contains "nor one on another token" NOT_FOUND "$(hsm sign 'pkcs11:token=other;object=k256' ECDSA_SHA256 2>&1)"
contains "a URI loads no other module" ARGUMENT "$(hsm sign 'pkcs11:object=k256?module-path=/tmp/evil.so' ECDSA_SHA256 2>&1)"
contains "a PIN does not stand in a URI" POLICY "$(hsm sign 'pkcs11:object=k256?pin-value=1' ECDSA_SHA256 2>&1)"
contains "a token that is not there is told as such" BACKEND_UNREACHABLE \
  "$(adapter pkcs11 --module "$CHIO_TEST_MODULE" --token nobody --secret-file "$pin" health 2>&1)"
contains "a library that is none is refused" CONFIG "$(adapter pkcs11 --module /dev/null health 2>&1)"
printf '11111111' >"$use_dir/wrong"
pin=$use_dir/wrong
contains "a wrong PIN is refused" PERMISSION "$(hsm --count 20 health 2>&1)"
pin=$CHIO_TEST_MODULE_PIN_FILE
check "and it was tried once: the token is not locked" hsm health

plan
