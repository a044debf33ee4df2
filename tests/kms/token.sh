#!/bin/sh
# A backend as applications see it: a slot whose keys are listed, made, used and vouch for others through pkcs11-tool,
# openssl and chio-hsm, with SoftHSM2 as the HSM behind chio-kmsd.
. "$abs_top_srcdir/tests/support/tap.sh"

if [ -z "${CHIO_TEST_DIR:-}" ]; then
  . "$abs_top_srcdir/tests/kms/use.sh"
  for tool in openssl pkcs11-tool; do
    command -v $tool >/dev/null 2>&1 || skip_all "$tool is not here"
  done
  use_server softhsm
  chmod -R go+rX "$use_dir"
  pkcs11-tool --module "$CHIO_TEST_MODULE" --token-label behind --login --pin 87654321 --keypairgen \
    --key-type EC:prime256v1 --label there --id 77 >/dev/null 2>&1 || skip_all "SoftHSM2 makes no keys"
  CHIO_TEST_CONFIG="[kmsd]
environment = [\"SOFTHSM2_CONF\"]
[backend.hsm]
kind = \"pkcs11\"
module = \"$CHIO_TEST_MODULE\"
token = \"behind\"
secret_file = \"$CHIO_TEST_MODULE_PIN_FILE\"
keys = [\"pkcs11:object=there\", \"pkcs11:object=nowhere\"]
timeout_ms = 20000"
  export CHIO_TEST_CONFIG
  "$abs_top_srcdir/tests/support/with-chiod" /bin/sh "$0"
  exit
fi

cd "$CHIO_TEST_DIR" || exit 99
printf 123456 >pin
export CHIO_PIN_SOURCE="$CHIO_TEST_DIR/pin"
p11() {
  pkcs11-tool --module "$CHIO_PKCS11_MODULE" --token-label hsm "$@" 2>&1
}
ossl() {
  OPENSSL_CONF=/dev/null openssl "$@"
}
printf 'a message\n' >file

# ---- What is there ----
slots=$(pkcs11-tool --module "$CHIO_PKCS11_MODULE" --list-slots 2>&1)
contains "the backend is a token by its name" "hsm" "$slots"
objects=$(p11 --list-objects)
contains "the configured key is there without a login" "there" "$objects"
contains "as a private key" "Private Key Object" "$objects"
contains "as a public key" "Public Key Object" "$objects"
lacks "and no attribute is missing" "warning" "$objects"
lacks "a key that is not there hides nobody and is not shown" "nowhere" "$objects"
contains "the log says that it could not be found" "backend.key_missing" "$(cat "$CHIOD_LOG")"
contains "it says that it is delegated" '"origin": "delegated"' "$(chio-hsm key list --token hsm --json)"

# ---- Used ----
check "its public key is exported" chio-hsm export-pub there --token hsm -o there.pem
check "pkcs11-tool signs with it" \
  p11 --sign --mechanism ECDSA-SHA256 --label there --signature-format openssl -i file -o file.sig
check "openssl verifies that" ossl dgst -sha256 -verify there.pem -signature file.sig file
check "with a login too, whatever the PIN" \
  p11 --login --pin whatever --sign --mechanism ECDSA-SHA256 --label there --signature-format openssl -i file -o file.sig
check "chio-hsm signs with it" chio-hsm sign there file --token hsm -o file.sig
check "and that holds" ossl dgst -sha256 -verify there.pem -signature file.sig file
check "openssl signs through the provider" \
  openssl pkeyutl -sign -inkey "chio:token=hsm;object=there;type=private" -rawin -digest sha256 -in file -out file.sig
check "and that holds too" ossl dgst -sha256 -verify there.pem -signature file.sig file

# ---- Made ----
check "pkcs11-tool makes a key in the HSM" p11 --keypairgen --key-type EC:secp384r1 --label made --id 01
contains "it is in the HSM" "made" "$(pkcs11-tool --module "$CHIO_TEST_MODULE" --token-label behind --list-objects 2>&1)"
check "openssl makes one" openssl genpkey -propquery provider=chio -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
  -pkeyopt "uri:chio:token=hsm;object=by-openssl" -out by-openssl.pem
check "and signs by the PEM file that names it" \
  openssl pkeyutl -sign -inkey by-openssl.pem -rawin -digest sha256 -in file -out file.sig
openssl pkey -in by-openssl.pem -pubout -out by-openssl.pub
check "which holds" ossl dgst -sha256 -verify by-openssl.pub -signature file.sig file
refute "a second of that name it makes not" openssl genpkey -propquery provider=chio -algorithm EC \
  -pkeyopt group:P-256 -pkeyopt "uri:chio:token=hsm;object=by-openssl" -out again.pem
refute "nor one without a place" openssl genpkey -propquery provider=chio -algorithm EC -pkeyopt group:P-256 -out no.pem
check "a software key is made as before" openssl genpkey -algorithm EC -pkeyopt group:P-256 -out software.pem
check "chio-hsm makes one" chio-hsm key generate rsa --type rsa2048 --token hsm
contains "it is in the HSM as well" "rsa" \
  "$(pkcs11-tool --module "$CHIO_TEST_MODULE" --token-label behind --list-objects 2>&1)"
chio-hsm export-pub rsa --token hsm -o rsa.pem
id=$(chio-hsm key list --token hsm --json | tr -d ' \n' | sed 's/.*"label":"rsa","id":"\([0-9a-f]*\)".*/\1/')
check "it signs PKCS #1" p11 --sign --mechanism SHA256-RSA-PKCS --id "$id" -i file -o file.sig
check "which openssl verifies" ossl dgst -sha256 -verify rsa.pem -signature file.sig file
check "and PSS" p11 --sign --mechanism SHA256-RSA-PKCS-PSS --id "$id" -i file -o file.sig
check "which openssl verifies as well" ossl dgst -sha256 -verify rsa.pem -sigopt rsa_padding_mode:pss \
  -sigopt rsa_pss_saltlen:32 -signature file.sig file
refute "a second key of that name is not made" chio-hsm key generate rsa --type rsa2048 --token hsm
refute "nor one on a curve that no KMS has here" p11 --keypairgen --key-type EC:brainpoolP256r1 --label odd

# ---- Vouches ----
root=$CHIO_STATE/sim/tdx-root.pem
check "a key is born in the signer" chio-hsm key generate web --token test
check "its evidence is written" chio-hsm attest web --token test -o web.evidence
check "a policy is drafted" chio-hsm policy init --from web.evidence --root "$root" -o policy.toml
check "the HSM's key vouches for it" chio-hsm delegate --issuer "chio:token=hsm;object=there" --key web --token test \
  --policy policy.toml --days 7 -o chain.pem
check "the born key signs a file" chio-hsm sign web file --token test -o file.sig
check "from the HSM's public key to the file, offline" env -u CHIO_SIGNER \
  chio-hsm verify chain.pem --issuer there.pem --file file --signature file.sig
contains "the issuer's certificate stands in its slot" "Certificate Object" "$(p11 --list-objects --type cert)"

# ---- Destroyed, and after a restart ----
contains "a key is destroyed here, and it is said that it stays there" "stays in its KMS" \
  "$(chio-hsm key destroy rsa --token hsm --yes 2>&1)"
lacks "and gone here" "rsa" "$(chio-hsm key list --token hsm)"
contains "but not in the HSM" "rsa" "$(pkcs11-tool --module "$CHIO_TEST_MODULE" --token-label behind --list-objects 2>&1)"
stop_chiod
check "chiod starts again" $CHIO_START
contains "the key that was made here is still there" "made" "$(chio-hsm key list --token hsm)"
check "and signs" p11 --sign --mechanism ECDSA-SHA384 --id 01 --signature-format openssl -i file -o file.sig
plan
