#!/bin/sh
# The state's root under a key that Azure releases (seal = "kms", azurekms): chiod's quote over a wrapping key, our test's
# attestation service, which verifies it (tests/support/maa_server.py), and our test's vault, which checks the service's
# token by the key's release policy and wraps with real cryptography. What is refused keeps chiod from starting.
set -u
. "$abs_top_srcdir/tests/support/tap.sh"
. "$abs_top_srcdir/tests/kms/use.sh"
use_server azure
with_chiod=$abs_top_srcdir/tests/support/with-chiod
hsm=$CHIO_TEST_AZURE_HSM
CHIO_PIN_SOURCE=$use_dir/pin
export CHIO_PIN_SOURCE
unset AZURE_CLIENT_SECRET AZURE_CLIENT_ID AZURE_TENANT_ID AZURE_FEDERATED_TOKEN_FILE IDENTITY_ENDPOINT
printf '123456\n' >"$use_dir/pin"
chmod 600 "$use_dir/pin"

# ---- The world that the signers start in ----

# The simulated platforms that the attestation service trusts; a signer without CHIO_TEST_SIM has others.
cat >"$use_dir/keep_sim" <<'SCRIPT'
#!/bin/sh
cp -R "$CHIO_STATE/sim" "$1"
SCRIPT
chmod 755 "$use_dir/keep_sim"
make_platform() {
  CHIO_TEST_PLATFORM=$1 CHIO_TEST_CONFIG='' "$with_chiod" "$use_dir/keep_sim" "$use_dir/$1" &&
    cat "$use_dir/$1"/*-root.pem >>"$CHIO_TEST_MAA_ROOTS"
}

# A key that may be released, or its next version: HOST NAME KTY CLAIM VALUE
cat >"$use_dir/make_key" <<'SCRIPT'
#!/bin/sh
set -eu
policy=$(printf '{"version":"1.0.0","anyOf":[{"authority":"%s","allOf":[{"claim":"%s","equals":"%s"}]}]}' \
  "$CHIO_TEST_MAA" "$4" "$5" | base64 -w 0 | tr '+/' '-_' | tr -d '=')
token=$(curl -sS -f --cacert "$CHIO_TEST_AZURE_CA" --data grant_type=client_credentials \
  --data "client_id=$CHIO_TEST_AZURE_CLIENT" --data-urlencode "client_secret=$(cat "$CHIO_TEST_AZURE_SECRET_FILE")" \
  --data-urlencode "scope=https://${1#*.}/.default" \
  "$CHIO_TEST_AZURE_AUTHORITY/$CHIO_TEST_AZURE_TENANT/oauth2/v2.0/token" | sed 's/.*"access_token": *"\([^"]*\)".*/\1/')
curl -sS -f --cacert "$CHIO_TEST_AZURE_CA" -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
  --data "{\"kty\":\"$3\",\"attributes\":{\"exportable\":true},\"release_policy\":{\"data\":\"$policy\"}}" \
  "https://$1/keys/$2/create?api-version=7.4" >/dev/null
SCRIPT
chmod 755 "$use_dir/make_key"
make_key() {
  "$use_dir/make_key" "$@"
}

admin() {
  curl -sS -f -X POST -d "$2" "$CHIO_TEST_AZURE_ADMIN/$1" >/dev/null
}

maa() {
  curl -sS -f --cacert "$CHIO_TEST_AZURE_CA" -X POST -d "$2" "$CHIO_TEST_MAA/$1" >/dev/null
}

# Sets CHIO_TEST_CONFIG: KEY [LINES-OF-SEAL_KMS]
configure() {
  CHIO_TEST_CONFIG="seal = \"kms\"
[seal_kms]
backend = \"root\"
key = \"$1\"
${2-attestation = \"$CHIO_TEST_MAA\"
attestation_ca_file = \"$CHIO_TEST_AZURE_CA\"
signer_ca_file = \"$CHIO_TEST_AZURE_CA\"}
[backend.root]
kind = \"azure\"
ca_file = \"$CHIO_TEST_AZURE_CA\"
auth = \"secret\"
auth_endpoint = \"$CHIO_TEST_AZURE_AUTHORITY\"
role = \"$CHIO_TEST_AZURE_CLIENT\"
secret_file = \"$CHIO_TEST_AZURE_SECRET_FILE\""
  export CHIO_TEST_CONFIG
}

# Under a signer: a key is made, the signer is started again (after a command of the caller's), and the key signs.
cat >"$use_dir/restart" <<'SCRIPT'
#!/bin/sh
set -eu
chio-hsm key generate kept --token test
[ -s "$CHIO_STATE/root.kms" ] && [ ! -e "$CHIO_STATE/root.key" ]
kill "$(cat "$CHIO_PIDFILE")"
tries=100
while [ -s "$CHIO_PIDFILE" ] && [ $tries -gt 0 ]; do sleep 0.1; tries=$((tries - 1)); done
[ $# -eq 0 ] || "$@"
"$CHIO_START" || {
  cat "$CHIOD_LOG"
  exit 1
}
echo message >"$CHIO_TEST_DIR/message"
openssl pkeyutl -sign -rawin -inkey "chio:token=test;object=kept?pin-source=$CHIO_PIN_SOURCE" -provider default -provider chio \
  -in "$CHIO_TEST_DIR/message" -out "$CHIO_TEST_DIR/signature"
[ -s "$CHIO_TEST_DIR/signature" ]
SCRIPT
cat >"$use_dir/edit" <<'SCRIPT'
#!/bin/sh
sed -i "$1" "$CHIO_STATE/hsm.toml"
SCRIPT
cat >"$use_dir/post" <<'SCRIPT'
#!/bin/sh
curl -sS -f ${3:+--cacert "$3"} -X POST -d "$2" "$1" >/dev/null
SCRIPT
chmod 755 "$use_dir/restart" "$use_dir/edit" "$use_dir/post"

# With something wrong at the vault's next release: JSON WORDS
spoiled() {
  admin release "$1" && fails_with "$2" "$with_chiod" true
}

# With something wrong with the service's next token: JSON WORDS
forged() {
  maa spoil "$1" && fails_with "$2" "$with_chiod" true
}

# ---- Keys of each type, platforms of each kind ----

check "a simulated TDX machine is known to the attestation service" make_platform sim-tdx
check "and a simulated SEV-SNP machine" make_platform sim-snp
check "a managed HSM makes an RSA key for TDs without debug" make_key "$hsm" root-rsa RSA-HSM tdx_td_attributes_debug false
check "an EC key for such machines" make_key "$hsm" root-ec EC-HSM x-ms-attestation-type tdxvm
check "an AES key for SEV-SNP machines without debug" \
  make_key "$hsm" root-oct oct-HSM x-ms-sevsnpvm-is-debuggable false
check "a vault makes one for whoever complies" make_key "$CHIO_TEST_AZURE_VAULT" root-vault RSA-HSM x-ms-compliance-status \
  azure-compliant-cvm
check "and one for nobody" make_key "$hsm" root-nobody RSA-HSM x-ms-compliance-status never

CHIO_TEST_PLATFORM=sim-tdx
CHIO_TEST_SIM=$use_dir/sim-tdx
export CHIO_TEST_PLATFORM CHIO_TEST_SIM
configure "azurekms://$hsm/root-rsa"
check "under a released RSA key chiod starts again, and its key signs" "$with_chiod" "$use_dir/restart"
configure "azurekms://$hsm/root-ec"
check "under an EC key" "$with_chiod" "$use_dir/restart"
configure "azurekms://$CHIO_TEST_AZURE_VAULT/root-vault"
check "under one of a vault" "$with_chiod" "$use_dir/restart"
CHIO_TEST_PLATFORM=sim-snp
CHIO_TEST_SIM=$use_dir/sim-snp
configure "azurekms://$hsm/root-oct"
check "on SEV-SNP, under an AES key" "$with_chiod" "$use_dir/restart"
CHIO_TEST_PLATFORM=sim-tdx
CHIO_TEST_SIM=$use_dir/sim-tdx
check "a machine of another kind does not get it" fails_with "ForbiddenByPolicy" "$with_chiod" true


# ---- Starts later ----

configure "azurekms://$hsm/root-rsa"
check "after a rotation the root opens by the version that sealed it" "$with_chiod" "$use_dir/restart" \
  "$use_dir/make_key" "$hsm" root-rsa RSA-HSM x-ms-compliance-status never
make_key "$hsm" root-rsa RSA-HSM tdx_td_attributes_debug false
disable='{"name":"root-ec","enabled":false}'
configure "azurekms://$hsm/root-ec"
check "a key that is disabled keeps chiod from starting, and it says so" fails_with "KeyDisabled" \
  "$with_chiod" "$use_dir/restart" "$use_dir/post" "$CHIO_TEST_AZURE_ADMIN/key" "$disable"
admin key '{"name":"root-ec","enabled":true}'
configure "azurekms://$hsm/root-rsa"
check "a root of another key is not opened" fails_with "was sealed under key 'azurekms://$hsm/root-rsa/" \
  "$with_chiod" "$use_dir/restart" "$use_dir/edit" s,/root-rsa,/root-ec,
check "nor is one without evidence" fails_with "was made with a released key, and [seal_kms] says otherwise" \
  "$with_chiod" "$use_dir/restart" "$use_dir/edit" 's/^backend = "root"/&\nevidence = false/'
check "a forged answer at the next start keeps it shut" fails_with "answers another nonce" \
  "$with_chiod" "$use_dir/restart" "$use_dir/post" "$CHIO_TEST_AZURE_ADMIN/release" '{"nonce":"AAAA"}'

# ---- What is refused at the first ----

check "a policy that nobody meets" fails_with "ForbiddenByPolicy" \
  env CHIO_TEST_CONFIG="$(printf '%s' "$CHIO_TEST_CONFIG" | sed s/root-rsa/root-nobody/)" "$with_chiod" true
check "a machine that the attestation service does not know" fails_with "the root of the evidence is not trusted" \
  env CHIO_TEST_SIM= "$with_chiod" true
check "a token for another key" forged '{"keys":[{"kty":"RSA","e":"AQAB","n":"AAAA","key_ops":["encrypt"]}]}' \
  "the attestation token is not for our key"
check "a token that has expired" forged '{"life":-4000}' "the attestation token has expired"
maa fault '{"count":2,"status":503}'
check "an attestation service that is busy is asked again" "$with_chiod" true
maa fault '{"count":9,"status":503}'
check "but not for ever" fails_with "answers with HTTP 503" "$with_chiod" true
maa fault '{}'
check "an answer of another host" spoiled '{"other_host":true}' "the certificate that signed is not $hsm's"
check "an answer that nobody signed" spoiled '{"unsigned":true}' "an algorithm that is not accepted"
check "a damaged key" spoiled '{"flip":300}' "the key is not wrapped for ours"
check "an answer to another nonce" spoiled '{"nonce":"AAAA"}' "answers another nonce"
check "another key of the vault" spoiled "{\"kid\":\"https://$hsm/keys/root-ec/00\"}" "is another key than the one asked for"
jwk=$("$CHIO_TEST_AZURE_PYTHON" -c 'import base64
from cryptography.hazmat.primitives.asymmetric import rsa
n = rsa.generate_private_key(65537, 2048).public_key().public_numbers().n.to_bytes(256, "big")
print("{\"e\":\"AQAB\",\"n\":\"" + base64.urlsafe_b64encode(n).rstrip(b"=").decode() + "\"}")')
check "a key that was wrapped for somebody else" spoiled "{\"jwk\":$jwk}" "the key is not wrapped for ours"
check "each way of wrapping is understood: SHA-1" admin release '{"enc":"CKM_RSA_AES_KEY_WRAP"}'
check "and opens" "$with_chiod" true
check "SHA-384" admin release '{"enc":"RSA_AES_KEY_WRAP_384"}'
check "and opens" "$with_chiod" true

# ---- What the configuration lacks ----

configure "azurekms://$hsm/root-rsa" ""
check "no attestation service" fails_with "seal_kms.attestation" "$with_chiod" true
configure "azurekms://$hsm/root-rsa" "attestation = \"$CHIO_TEST_MAA\"
attestation_ca_file = \"$CHIO_TEST_AZURE_CA\""
check "a vault whose certificate no CA of the system has issued" fails_with "the certificate that signed is not $hsm's" \
  "$with_chiod" true
configure "azurekms://$hsm/root-rsa" "attestation = \"$CHIO_TEST_MAA\""
check "an attestation service likewise" fails_with "certificate" "$with_chiod" true
configure "azurekms:name=root-rsa;vault=chio-test" "attestation = \"$CHIO_TEST_MAA\""
check "a key's name that says no host" fails_with "a key to be released is azurekms://VAULT/KEY" "$with_chiod" true
CHIO_TEST_PLATFORM=sim-nitro
CHIO_TEST_SIM=
configure "azurekms://$hsm/root-rsa"
check "a platform that the service does not judge" fails_with "judges no evidence of platform sim-nitro" "$with_chiod" true

plan
