#!/bin/sh
# The Azure adapter against our test server of Key Vault and Managed HSM, after Microsoft's own clients have judged it.
. "$abs_top_srcdir/tests/support/tap.sh"
. "$abs_top_srcdir/tests/kms/use.sh"
use_server azure
dir=$use_dir
vault=azurekms://$CHIO_TEST_AZURE_VAULT
hsm=azurekms://$CHIO_TEST_AZURE_HSM
unset AZURE_CLIENT_SECRET AZURE_CLIENT_ID AZURE_TENANT_ID AZURE_FEDERATED_TOKEN_FILE IDENTITY_ENDPOINT

judge() {
  "$CHIO_TEST_AZURE_PYTHON" "$abs_top_srcdir/tests/kms/judge_azure.py"
}

azure() {
  adapter azure --ca-file "$CHIO_TEST_AZURE_CA" \
    --auth-endpoint "$CHIO_TEST_AZURE_AUTHORITY" --auth secret --role "$CHIO_TEST_AZURE_CLIENT" \
    --secret-file "$CHIO_TEST_AZURE_SECRET_FILE" --vault "$CHIO_TEST_AZURE_VAULT" "$@"
}

in_hsm() {
  azure --vault "$CHIO_TEST_AZURE_HSM" --protection hsm "$@"
}

by_token() {
  adapter azure --ca-file "$CHIO_TEST_AZURE_CA" \
    --auth-endpoint "$CHIO_TEST_AZURE_AUTHORITY" --auth federated --role "$CHIO_TEST_AZURE_CLIENT" \
    --tenant "$CHIO_TEST_AZURE_TENANT" --token-file "$CHIO_TEST_AZURE_TOKEN_FILE" "$@"
}

by_machine() {
  adapter azure --ca-file "$CHIO_TEST_AZURE_CA" \
    --auth-endpoint "$CHIO_TEST_AZURE_METADATA" --auth managed "$@"
}

admin() {
  curl -sS -f -X POST -d "$2" "$CHIO_TEST_AZURE_ADMIN/$1" >/dev/null
}

# How many requests the server saw since the last time.
asked() {
  curl -sS -f "$CHIO_TEST_AZURE_ADMIN/asked" | grep -o '"status"' | wc -l
}

# An error of that name, with these words in it: refused NAME WORDS COMMAND...
refused() {
  want=$1
  words=$2
  shift 2
  if "$@" >"$dir/out" 2>&1; then return 1; fi
  cat "$dir/out"
  grep -q "use_adapter: $want: .*$words" "$dir/out"
}

# With a fault in the server: under_fault JSON COMMAND...
under_fault() {
  admin fault "$1" || return 1
  shift
  "$@"
  fault_status=$?
  admin fault '{}'
  return $fault_status
}

asked_exactly() {
  count=$(asked)
  [ "$count" -eq "$1" ] || {
    echo "$count requests, not $1"
    return 1
  }
}

opens() {
  printf 'a key to wrap' | azure encrypt "$vault/rsa" "$1" >"$dir/sealed" &&
    azure decrypt "$vault/rsa" "$1" <"$dir/sealed" | grep -qx 'a key to wrap'
}

check "Microsoft's own clients accept the server" judge
for bits in 256 384 521; do
  check "a key on P-$bits is made" azure create ec $bits "p$bits"
done
check "an RSA key is made" azure create rsa 2048 rsa
refute "no second one under the same name" azure create ec 256 p256
check "the refusal says so" refused EXISTS "p256 is there already" azure create ec 256 p256
check "no Ed25519 key" refused KEY_TYPE "P-256" azure create ed25519 255 ed
check "a key is described" azure describe "$vault/p256"
is "its version is pinned" 1 "$(azure describe "$vault/p256" | grep -cE '/p256/[0-9a-f]{32} type 3 bits 256 sign 1')"
check "all keys are listed, over several pages" sh -c '[ "$1" -ge 4 ]' sh "$(azure list | wc -l)"
check "P-256 signs by its digest" azure sign "$vault/p256" ECDSA
check "P-256 with SHA-256: 200 signatures, in 8 threads" azure --count 200 --threads 8 sign "$vault/p256" ECDSA_SHA256
check "P-384 with SHA-384: 50 signatures" azure --count 50 sign "$vault/p384" ECDSA_SHA384
check "P-521 with SHA-512: 50 signatures" azure --count 50 sign "$vault/p521" ECDSA_SHA512
for m in RSA_PKCS SHA256_RSA_PKCS SHA384_RSA_PKCS SHA512_RSA_PKCS SHA256_RSA_PKCS_PSS SHA384_RSA_PKCS_PSS SHA512_RSA_PKCS_PSS; do
  check "RSA signs with $m" azure sign "$vault/rsa" $m
done
asked >/dev/null
check "another salt is refused" refused MECHANISM_PARAM salt azure --salt 20 sign "$vault/rsa" SHA256_RSA_PKCS_PSS
check "a digest of another length is refused" refused DATA_LEN 32 azure --data-len 20 sign "$vault/p256" ECDSA
check "and neither went to the vault: the lookups alone did" asked_exactly 6
admin key '{"name":"rsa","ops":["sign","verify","encrypt","decrypt"]}'
check "RSA-OAEP opens what it sealed" opens oaep-sha1
check "RSA-OAEP-256 opens what it sealed" opens oaep-sha256
refute "OAEP with SHA-512 is not Azure's" opens oaep-sha512
check "a managed HSM makes a key" in_hsm create ec 256 h
check "and signs with it" in_hsm sign "$hsm/h" ECDSA
check "random bytes of a managed HSM, more than one call gives" in_hsm random 300
refute "a vault has none" azure random 16
check "health" azure health

check "a federated token gets in" by_token sign "$vault/p256" ECDSA
check "a managed identity gets in" by_machine sign "$vault/p256" ECDSA
printf 'wrong\n' >"$dir/wrong"
check "a wrong secret is refused, with Entra's word" refused PERMISSION invalid_client azure --secret-file "$dir/wrong" health
check "an unknown CA is no peer" refused PEER_UNTRUSTED "" \
  by_machine --ca-file /etc/ssl/certs/ca-certificates.crt --vault "$CHIO_TEST_AZURE_VAULT" health
check "a key that is not there" refused NOT_FOUND KeyNotFound azure describe "$vault/nobody"
check "a version that is not there" refused NOT_FOUND KeyNotFound azure describe "$vault/p256/00000000000000000000000000000000"
admin key '{"name":"p384","enabled":false}'
check "a disabled key is refused as such" refused POLICY disabled azure sign "$vault/p384" ECDSA_SHA384
admin key '{"name":"p521","ops":["verify"]}'
check "so is one that may not sign" refused KEY_FUNCTION "" azure sign "$vault/p521" ECDSA_SHA512

check "throttled twice, then served" under_fault '{"count":2,"path":"/sign","status":429,"headers":{"Retry-After":"0"}}' \
  azure sign "$vault/p256" ECDSA
check "500, then served" under_fault '{"count":1,"path":"/sign","status":500,"body":"<html>"}' azure sign "$vault/p256" ECDSA
check "a connection that breaks, then served" under_fault '{"count":1,"path":"/sign","drop":true}' azure sign "$vault/p256" ECDSA
check "a body cut short, then served" under_fault '{"count":1,"path":"/sign","status":200,"body":"{\"kid\":\"x","cut":5}' \
  azure sign "$vault/p256" ECDSA
asked >/dev/null
check "throttled for ever" refused BUSY 429 under_fault '{"count":99,"path":"/sign","status":429}' azure sign "$vault/p256" ECDSA
check "five times asked, and no more" asked_exactly 8
check "a wait longer than the deadline is not waited for" refused BUSY 429 \
  under_fault '{"count":99,"path":"/sign","status":429,"headers":{"Retry-After":"1000000000"}}' azure sign "$vault/p256" ECDSA
check "another key's signature is refused" refused BACKEND "answered for" \
  under_fault '{"count":1,"path":"/sign","change":{"kid":"https://evil.vault.azure.net/keys/p256/1"}}' azure sign "$vault/p256" ECDSA
check "a signature of another width is refused" refused BACKEND "bytes" \
  under_fault '{"count":1,"path":"/sign","change":{"value":"AAAA"}}' azure sign "$vault/p256" ECDSA
check "a redirect is not followed" refused BACKEND 307 \
  under_fault '{"count":1,"path":"/sign","status":307,"headers":{"Location":"https://evil.example/"}}' azure sign "$vault/p256" ECDSA
check "a challenge for another resource is not answered" refused PERMISSION "asks for a token for" \
  under_fault '{"count":1,"path":"/keys","status":401,"headers":{"WWW-Authenticate":
  "Bearer authorization=\"https://login.localhost/t\", resource=\"https://management.azure.com\""}}' azure health
check "nor one that sends us to another authority" refused PERMISSION "sends us to" \
  under_fault "{\"count\":1,\"path\":\"/keys\",\"status\":401,\"headers\":{\"WWW-Authenticate\":
  \"Bearer authorization=\\\"https://evil.example/t\\\", resource=\\\"https://${CHIO_TEST_AZURE_VAULT#*.}\\\"\"}}" azure health
plan
