#!/bin/sh
# Google's keys behind the token: chiod and chio-kmsd in front of the test server, used by pkcs11-tool and by openssl through
# the provider, verified by openssl with the public key that the token shows.
. "$abs_top_srcdir/tests/support/tap.sh"

server=$abs_top_srcdir/tests/kms/servers/gcp

# METHOD PATH [BODY] of the API itself.
api() {
  curl -sS -f -X "$1" -H "Authorization: Bearer $api_token" -H 'Content-Type: application/json' \
    "$CHIO_TEST_GCP_HTTP/v1/$2" ${3:+-d "$3"} >/dev/null
}

get_api_token() {
  api_token=$(curl -sS -f -H 'Metadata-Flavor: Google' \
    "$CHIO_TEST_GCP_HTTP/computeMetadata/v1/instance/service-accounts/default/token" |
    sed 's/.*"access_token":"\([^"]*\)".*/\1/')
}

admin() {
  curl -sS -f -X POST "$CHIO_TEST_GCP_HTTP/admin/$1" ${2:+-d "$2"} >/dev/null
}

# NAME ALGORITHM
make_key() {
  api POST "$CHIO_TEST_GCP_RING/cryptoKeys?cryptoKeyId=$1" \
    "{\"purpose\":\"ASYMMETRIC_SIGN\",\"versionTemplate\":{\"algorithm\":\"$2\"}}"
}

if [ -z "${CHIO_TEST_DIR:-}" ]; then
  for tool in pkcs11-tool openssl curl; do
    command -v $tool >/dev/null || skip_all "$tool is not installed"
  done
  reason=$("$server" install) || skip_all "${reason:-the Google test server cannot be installed}"
  dir=$(mktemp -d "${TMPDIR:-/tmp}/chio-kms-XXXXXX") || exit 99
  trap '"$server" stop "$dir"; rm -rf "$dir"' EXIT
  "$server" start "$dir" || exit 99
  . "$dir/env"
  get_api_token
  make_key p256 EC_SIGN_P256_SHA256
  make_key p384 EC_SIGN_P384_SHA384
  make_key ed EC_SIGN_ED25519
  make_key rsa RSA_SIGN_PKCS1_2048_SHA256
  make_key raw RSA_SIGN_RAW_PKCS1_3072
  make_key pss RSA_SIGN_PSS_2048_SHA256
  keys=
  for key in p256 p384 ed rsa raw pss; do keys="$keys${keys:+, }\"gcpkms://$CHIO_TEST_GCP_RING/cryptoKeys/$key\""; done
  CHIO_TEST_CONFIG="[backend.google]
kind = \"gcp\"
endpoint = \"$CHIO_TEST_GCP_ENDPOINT\"
auth_endpoint = \"$CHIO_TEST_GCP_ENDPOINT\"
ca_file = \"$CHIO_TEST_GCP_CA\"
token_file = \"$CHIO_TEST_GCP_DIR/service-account.json\"
key_ring = \"$CHIO_TEST_GCP_RING\"
retry_ms = 200
keys = [$keys]"
  export CHIO_TEST_CONFIG
  "$abs_top_srcdir/tests/support/with-chiod" /bin/sh "$0"
  exit
fi

cd "$CHIO_TEST_DIR" || exit 99
get_api_token

tool() {
  pkcs11-tool --module "$CHIO_PKCS11_MODULE" --token-label google "$@"
}

# A key that could not be looked up in time, on a loaded machine, is looked up again.
listed=$(tool -O 2>&1)
tries=60
while [ $tries -gt 0 ] && [ "$(printf '%s\n' "$listed" | grep -cE '^  label:      (p256|p384|ed|rsa|raw|pss)$')" -lt 12 ]; do
  sleep 0.5
  listed=$(tool -O 2>&1)
  tries=$((tries - 1))
done
for key in p256 p384 ed rsa raw pss; do contains "the token shows $key" "label:      $key" "$listed"; done

head -c 1000 /dev/urandom >data
for hash in 256 384 512; do openssl dgst -sha$hash -binary data >sha$hash; done

# The public key of a label, as Google hands it out.
public() {
  curl -sS -f -H "Authorization: Bearer $api_token" \
    "$CHIO_TEST_GCP_HTTP/v1/$CHIO_TEST_GCP_RING/cryptoKeys/$1/cryptoKeyVersions/1/publicKey" |
    sed 's/.*"pem": *"\([^"]*\)".*/\1/; s/\\n/\n/g' >"$1.pem" && openssl pkey -pubin -in "$1.pem" -noout
}

# The same, as the token shows it.
shown() {
  openssl pkey -pubin -in "$uri=$1;type=public" -pubout
}

uri="chio:token=google;object"
for key in p256 p384 ed rsa raw pss; do
  check "Google hands out the public key of $key" public $key
  is "the token shows the same" "$(grep -v '^$' $key.pem)" "$(shown $key 2>&1)"
done

# LABEL MECHANISM INPUT: pkcs11-tool signs, with the key of that label.
sign() {
  sign_id=$(tool -O --type privkey | sed -n "/label: *$1\$/,/ID:/s/.*ID: *//p" | head -n 1)
  sign_mechanism=$2
  sign_input=$3
  shift 3
  rm -f sig
  tool --sign --id "$sign_id" --mechanism "$sign_mechanism" -i "$sign_input" -o sig "$@"
}

# NAME LABEL OPTION...: openssl verifies.
verified() {
  verified_name=$1
  verified_key=$2
  shift 2
  check "$verified_name" openssl pkeyutl -verify -pubin -inkey "$verified_key.pem" -sigfile sig "$@"
}

check "p256 signs a digest" sign p256 ECDSA sha256 --signature-format openssl
verified "openssl verifies it" p256 -in sha256
check "p256 hashes and signs" sign p256 ECDSA-SHA256 data --signature-format openssl
verified "openssl verifies that" p256 -in sha256
check "p384 hashes and signs" sign p384 ECDSA-SHA384 data --signature-format openssl
verified "openssl verifies p384" p384 -in sha384
check "rsa hashes and signs" sign rsa SHA256-RSA-PKCS data
verified "openssl verifies rsa" rsa -in sha256 -pkeyopt digest:sha256
for hash in 256 384 512; do
  check "raw signs by SHA$hash-RSA-PKCS" sign raw SHA$hash-RSA-PKCS data
  verified "openssl verifies SHA-$hash of raw" raw -in sha$hash -pkeyopt digest:sha$hash
done
check "pss hashes and signs" sign pss SHA256-RSA-PKCS-PSS data
verified "openssl verifies pss" pss -in sha256 -pkeyopt digest:sha256 -pkeyopt rsa_padding_mode:pss -pkeyopt rsa_pss_saltlen:32
refute "rsa does no SHA-512" sign rsa SHA512-RSA-PKCS data
refute "rsa does no PSS" sign rsa SHA256-RSA-PKCS-PSS data
refute "p256 does no SHA-384" sign p256 ECDSA-SHA384 data

# Through the provider.
check "openssl signs with p384" openssl pkeyutl -sign -rawin -digest sha384 -in data -inkey "$uri=p384;type=private" -out sig
verified "and verifies" p384 -in sha384
check "openssl signs with ed" openssl pkeyutl -sign -rawin -in data -inkey "$uri=ed;type=private" -out sig
check "and verifies" openssl pkeyutl -verify -rawin -in data -pubin -inkey ed.pem -sigfile sig
check "openssl makes a certificate with rsa" openssl req -x509 -new -key "$uri=rsa;type=private" -sha256 -days 1 \
  -subj /CN=delegated -out cert.pem
check "which verifies" openssl verify -CAfile cert.pem cert.pem

# Keys that are made.
check "a key pair is made at Google" tool --keypairgen --key-type EC:secp384r1 --label made-here
check "its public key is read" public made-here
check "it signs" sign made-here ECDSA-SHA384 data --signature-format openssl
verified "and openssl verifies" made-here -in sha384
out=$(tool --keypairgen --key-type EC:secp521r1 --label made-521 2>&1) || :
contains "P-521 is refused for its curve" 0x140 "$out"
refute "a name that is taken makes no key" tool --keypairgen --key-type EC:prime256v1 --label made-here

# An RSA key for PSS, which TLS 1.3 needs.
out=$(chio-hsm key generate tls --token google --type rsa2048-pss 2>&1)
is "an RSA key for PSS is made at Google" 0 $?
contains "there" "cryptoKeys/tls/cryptoKeyVersions/1" "$out"
openssl req -x509 -new -key "chio:token=google;object=tls" -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest -sha256 \
  -subj /CN=localhost -days 2 -out tls.pem 2>tls.err
check "a certificate is made for it" openssl verify -CAfile tls.pem tls.pem
openssl s_server -accept 127.0.0.1:0 -naccept 1 -www -cert tls.pem -key "chio:token=google;object=tls" >tls.log 2>&1 &
server_pid=$!
tries=600
while [ $tries -gt 0 ] && ! grep -q '^ACCEPT' tls.log; do sleep 0.1; tries=$((tries - 1)); done
port=$(sed -n 's/^ACCEPT.*:\([0-9]*\)$/\1/p' tls.log)
out=$(echo "GET / HTTP/1.0" | timeout 30 openssl s_client -ign_eof -tls1_3 -connect "127.0.0.1:$port" -CAfile tls.pem 2>&1)
contains "it serves TLS 1.3" "TLSv1.3" "$out"
contains "with a good signature" "Verify return code: 0 (ok)" "$out"
kill $server_pid 2>/dev/null
refute "PKCS #1 v1.5 is refused" sign tls SHA256-RSA-PKCS data
out=$(tool --keypairgen --key-type rsa:2048 --label pss384 --allowed-mechanisms SHA384-RSA-PKCS-PSS 2>&1) || :
contains "a hash that Google has not for the size is refused" CKR_MECHANISM_INVALID "$out"

# What nobody may get.
admin fault '{"match":":asymmetricSign","count":99,"kind":"signature"}'
refute "a signature that does not verify reaches nobody" sign p256 ECDSA sha256
admin reset
admin fault '{"match":":asymmetricSign","count":99,"kind":"name"}'
refute "nor one by a version of another name" sign p256 ECDSA sha256
admin reset
check "afterwards it signs again" sign p256 ECDSA sha256
version=$CHIO_TEST_GCP_RING/cryptoKeys/p256/cryptoKeyVersions/1
api PATCH "$version?updateMask=state" '{"state":"DISABLED"}'
refute "a disabled key signs nothing" sign p256 ECDSA sha256
check "and is still shown" shown p256
api PATCH "$version?updateMask=state" '{"state":"ENABLED"}'
check "enabled again it signs" sign p256 ECDSA sha256
admin "tokens?revoke=1"
check "a revoked token is replaced" sign p256 ECDSA sha256
get_api_token
api POST "$CHIO_TEST_GCP_RING/cryptoKeys/p256/cryptoKeyVersions" "{}"
admin "pending?ms=0"
check "with a newer version there it signs" sign p256 ECDSA sha256 --signature-format openssl
verified "with the one that it is pinned to" p256 -in sha256
plan
