#!/bin/sh
# The Google Cloud KMS adapter against the server that Google's own client has judged (judge_gcp.sh): every kind of key with
# every mechanism, each signature verified by libcrypto; what it refuses; states, faults and credentials.
set -eu
. "$abs_top_srcdir/tests/support/tap.sh"

server=$abs_top_srcdir/tests/kms/servers/gcp
reason=$("$server" install) || skip_all "${reason:-the Google test server cannot be installed}"
dir=$(mktemp -d)
trap '"$server" stop "$dir"; rm -rf "$dir"' EXIT
"$server" start "$dir"
. "$dir/env"
export HOME="$dir" NO_PROXY='*'
unset GOOGLE_APPLICATION_CREDENTIALS CLOUDSDK_CONFIG GCE_METADATA_HOST 2>/dev/null || :
ring=$CHIO_TEST_GCP_RING
keys=gcpkms://$ring/cryptoKeys

# The adapter with a credential file: gcp FILE [--OPTION VALUE]... VERB...
gcp() {
  gcp_file=$1
  shift
  "$abs_top_builddir/tests/support/use_adapter" gcp --endpoint "$CHIO_TEST_GCP_ENDPOINT" --ca-file "$CHIO_TEST_GCP_CA" \
    --auth-endpoint "$CHIO_TEST_GCP_ENDPOINT" --key-ring "$ring" --token-file "$dir/$gcp_file" "$@"
}

use() {
  gcp service-account.json "$@"
}

# Fails, and says this.
refused() {
  refused_name=$1
  refused_word=$2
  shift 2
  if refused_out=$("$@" 2>&1 </dev/null); then
    fail "$refused_name" "it worked: $refused_out"
  else
    contains "$refused_name" "$refused_word" "$refused_out"
  fi
}

admin() {
  curl -sS -f -X POST "$CHIO_TEST_GCP_HTTP/admin/$1" ${2:+-d "$2"} >/dev/null
}

calls() {
  curl -sS -f -G --data-urlencode "match=$1" "$CHIO_TEST_GCP_HTTP/admin/count"
}

token=$(curl -sS -f -H 'Metadata-Flavor: Google' \
  "$CHIO_TEST_GCP_HTTP/computeMetadata/v1/instance/service-accounts/default/token" |
  sed 's/.*"access_token":"\([^"]*\)".*/\1/')

# METHOD PATH [BODY]: the API itself, for what no adapter does.
api() {
  curl -sS -f -X "$1" -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
    "$CHIO_TEST_GCP_HTTP/v1/$2" ${3:+-d "$3"} >/dev/null
}

# A key named after its algorithm in small letters: make_key ALGORITHM [PURPOSE [LEVEL]]
make_key() {
  api POST "$ring/cryptoKeys?cryptoKeyId=$(echo "$1" | tr 'A-Z_' 'a-z-')" \
    "{\"purpose\":\"${2:-ASYMMETRIC_SIGN}\",\"versionTemplate\":{\"algorithm\":\"$1\",\"protectionLevel\":\"${3:-SOFTWARE}\"}}"
}

for algorithm in EC_SIGN_P256_SHA256 EC_SIGN_P384_SHA384 EC_SIGN_ED25519 RSA_SIGN_PKCS1_2048_SHA256 \
  RSA_SIGN_PKCS1_3072_SHA256 RSA_SIGN_PKCS1_4096_SHA256 RSA_SIGN_PKCS1_4096_SHA512 RSA_SIGN_RAW_PKCS1_2048 \
  RSA_SIGN_RAW_PKCS1_3072 RSA_SIGN_RAW_PKCS1_4096 RSA_SIGN_PSS_2048_SHA256 RSA_SIGN_PSS_3072_SHA256 \
  RSA_SIGN_PSS_4096_SHA256 RSA_SIGN_PSS_4096_SHA512; do
  make_key $algorithm
done
for algorithm in RSA_DECRYPT_OAEP_2048_SHA256 RSA_DECRYPT_OAEP_2048_SHA1 RSA_DECRYPT_OAEP_4096_SHA512; do
  make_key $algorithm ASYMMETRIC_DECRYPT
done
make_key GOOGLE_SYMMETRIC_ENCRYPTION ENCRYPT_DECRYPT

# ---- what signs ---------------------------------------------------------------------------------------------------

signs() {
  check "$1 signs by $2" use --count 8 --threads 4 sign "$keys/$1" "$2"
}

signs ec-sign-p256-sha256 ECDSA
signs ec-sign-p256-sha256 ECDSA_SHA256
signs ec-sign-p384-sha384 ECDSA
signs ec-sign-p384-sha384 ECDSA_SHA384
signs ec-sign-ed25519 EDDSA
for bits in 2048 3072 4096; do
  signs rsa-sign-pkcs1-$bits-sha256 SHA256_RSA_PKCS
  signs rsa-sign-pkcs1-$bits-sha256 RSA_PKCS
  signs rsa-sign-pss-$bits-sha256 SHA256_RSA_PKCS_PSS
  for digest in SHA224 SHA256 SHA384 SHA512; do signs rsa-sign-raw-pkcs1-$bits ${digest}_RSA_PKCS; done
  signs rsa-sign-raw-pkcs1-$bits RSA_PKCS
done
signs rsa-sign-pkcs1-4096-sha512 SHA512_RSA_PKCS
signs rsa-sign-pss-4096-sha512 SHA512_RSA_PKCS_PSS
check "a message of 64 KiB is signed with Ed25519" use --data-len 65536 sign "$keys/ec-sign-ed25519" EDDSA
check "a pinned version is signed with" use sign "$keys/ec-sign-p256-sha256/cryptoKeyVersions/1" ECDSA
check "smallstep's spelling does it too" use sign "cloudkms:$ring/cryptoKeys/ec-sign-p256-sha256" ECDSA

# One in 128 has a leading zero in r or s.
for curve in p256-sha256 p384-sha384; do
  out=$(use --count 2000 --threads 8 sign "$keys/ec-sign-$curve" ECDSA 2>&1) || :
  contains "2,000 signatures with $curve all verify" "2000 done, 0 failed" "$out"
  lacks "some of those with $curve had leading zeros" " 0 with a leading zero" "$out"
done

# ---- what is refused ----------------------------------------------------------------------------------------------

refused "P-256 has no SHA-384" MECHANISM_PARAM use sign "$keys/ec-sign-p256-sha256" ECDSA_SHA384
refused "P-256 takes no digest of 20 bytes" DATA_LEN use --data-len 20 sign "$keys/ec-sign-p256-sha256" ECDSA
refused "an EC key does no RSA" KEY_TYPE use sign "$keys/ec-sign-p256-sha256" RSA_PKCS
refused "a PKCS #1 key does no PSS" MECHANISM_UNSUPPORTED use sign "$keys/rsa-sign-pkcs1-2048-sha256" SHA256_RSA_PKCS_PSS
refused "a key of SHA-256 does no SHA-512" MECHANISM_PARAM use sign "$keys/rsa-sign-pkcs1-4096-sha256" SHA512_RSA_PKCS
refused "PSS has the digest's length of salt" MECHANISM_PARAM use --salt 20 sign "$keys/rsa-sign-pss-2048-sha256" \
  SHA256_RSA_PKCS_PSS
refused "a key that decrypts does not sign" KEY_TYPE use sign "$keys/rsa-decrypt-oaep-2048-sha256" RSA_PKCS
refused "a symmetric key has no public key" KEY_TYPE use describe "$keys/google-symmetric-encryption"
refused "a key that is not there is not found" NOT_FOUND use describe "$keys/missing"
refused "a version that is not there is not found" NOT_FOUND use describe "$keys/ec-sign-p256-sha256/cryptoKeyVersions/9"

# ---- states -------------------------------------------------------------------------------------------------------

make_key EC_SIGN_P256_SHA256 ASYMMETRIC_SIGN 2>/dev/null || :
api POST "$ring/cryptoKeys?cryptoKeyId=states" \
  '{"purpose":"ASYMMETRIC_SIGN","versionTemplate":{"algorithm":"EC_SIGN_P256_SHA256"}}'
api POST "$ring/cryptoKeys/states/cryptoKeyVersions" '{}'
admin "pending?ms=0"
contains "a key without a version is pinned to the newest" "cryptoKeyVersions/2 " "$(use describe "$keys/states")"
api PATCH "$ring/cryptoKeys/states/cryptoKeyVersions/2?updateMask=state" '{"state":"DISABLED"}'
contains "a disabled one is passed over" "cryptoKeyVersions/1 " "$(use describe "$keys/states")"
refused "a disabled version is refused" "POLICY" use sign "$keys/states/cryptoKeyVersions/2" ECDSA
refused "and its state is said" "DISABLED" use sign "$keys/states/cryptoKeyVersions/2" ECDSA
api POST "$ring/cryptoKeys/states/cryptoKeyVersions/1:destroy" '{}'
refused "one that is to be destroyed is refused" "DESTROY_SCHEDULED" use sign "$keys/states/cryptoKeyVersions/1" ECDSA
refused "a key without an enabled version is refused" "POLICY" use describe "$keys/states"
admin "pending?ms=600000"
uri=$(use create ec 256 slow)
is "a key is made with the name that was asked for" "gcpkms://$ring/cryptoKeys/slow/cryptoKeyVersions/1" "$uri"
refused "a key that is being made is waited for until the deadline" "PENDING_GENERATION" use --timeout-ms 500 describe "$uri"
admin "pending?ms=100"
check "and signs once it is made" use sign "$uri" ECDSA
refused "a name that is taken is said to be" EXISTS use create ec 256 slow
refused "Google makes no P-521" CURVE_UNSUPPORTED use create ec 521 other
refused "Google makes no RSA of 1024 bits" KEY_SIZE use create rsa 1024 other
for kind in "ec 384" "ed25519 255" "rsa 2048" "rsa 4096"; do
  # shellcheck disable=SC2086
  uri=$(use --protection hsm --timeout-ms 20000 create $kind) || uri=
  contains "a key ($kind) gets a name of ours" "/cryptoKeys/chio-" "$uri"
  contains "and is what was asked for" "bits ${kind#* }" "$(use describe "$uri")"
done
for row in "2048 SHA256_RSA_PKCS_PSS" "3072 SHA256_RSA_PKCS_PSS" "4096 SHA512_RSA_PKCS_PSS" "2048 RSA_PKCS"; do
  uri=$(use --timeout-ms 20000 create rsa "${row% *}" "for-${row% *}-${row#* }" "${row#* }") || uri=
  check "an RSA key that is made for ${row#* } does it" use --timeout-ms 20000 sign "$uri" "${row#* }"
done
refused "and nothing else" "MECHANISM_UNSUPPORTED" use sign "$keys/for-2048-SHA256_RSA_PKCS_PSS" SHA256_RSA_PKCS
refused "there is no PSS with SHA-384" "MECHANISM_UNSUPPORTED" use create rsa 2048 other SHA384_RSA_PKCS_PSS
listed=$(use list)
contains "keys that sign are listed" "cryptoKeys/rsa-sign-raw-pkcs1-4096" "$listed"
lacks "others are not" "symmetric" "$listed"

# ---- sealing, decrypting, random ----------------------------------------------------------------------------------

printf 'a secret' >"$dir/plain"
use encrypt "$keys/google-symmetric-encryption" symmetric bound <"$dir/plain" >"$dir/sealed"
is "what was sealed is opened with its additional data" "a secret" \
  "$(use decrypt "$keys/google-symmetric-encryption" symmetric bound <"$dir/sealed")"
opens() {
  use decrypt "$keys/google-symmetric-encryption" symmetric "$1" <"$2"
}
out=$(opens other "$dir/sealed" 2>&1) || :
contains "other additional data opens nothing" DATA_INVALID "$out"
for row in 2048-sha256:sha256 2048-sha1:sha1 4096-sha512:sha512; do
  uri=$keys/rsa-decrypt-oaep-${row%%:*}
  use encrypt "$uri" "oaep-${row##*:}" <"$dir/plain" >"$dir/sealed"
  is "OAEP with ${row##*:} is opened" "a secret" "$(use decrypt "$uri" "oaep-${row##*:}" <"$dir/sealed")"
done
out=$(use decrypt "$keys/rsa-decrypt-oaep-2048-sha256" oaep-sha1 <"$dir/sealed" 2>&1) || :
contains "another digest than the key's is refused" MECHANISM_PARAM "$out"
for len in 1 8 1024 1025 3000; do check "$len random bytes" use random $len; done

# ---- faults -------------------------------------------------------------------------------------------------------

key=$keys/ec-sign-p256-sha256/cryptoKeyVersions/1
signing=:asymmetricSign

# What the caller sees after a fault, and after how many calls: fault NAME COUNT MEMBERS EXPECTED CALLS (ok: it signs)
# On a loaded machine a call may end by its time and be made again: then it is tried once more.
fault() {
  under_fault "$2" "$3"
  [ "$fault_calls" = "$5" ] || under_fault "$2" "$3"
  contains "$1: $4" "$4" "$fault_out"
  is "$1: $5 calls" "$5" "$fault_calls"
}

under_fault() {
  admin reset
  admin fault "{\"match\":\"$signing\",\"count\":$1,$2}"
  if fault_out=$(use sign "$key" ECDSA 2>&1); then fault_out=ok; fi
  fault_calls=$(calls $signing)
  admin reset
}

fault "one wrong checksum" 1 '"kind":"crc"' ok 2
fault "wrong checksums" 9 '"kind":"crc"' "BACKEND: gcp" 3
fault "another name echoed once" 1 '"kind":"name"' ok 2
fault "another name echoed always" 9 '"kind":"name"' "BACKEND: gcp" 3
fault "no word that it got what was sent" 9 '"kind":"flag"' "BACKEND: gcp" 3
fault "a signature that does not verify" 9 '"kind":"signature"' SIGNATURE_INVALID 1
fault "an answer cut in half" 1 '"kind":"truncate"' ok 2
fault "JSON that ends early" 1 '"kind":"garbage"' ok 2
fault "a page of HTML" 1 '"kind":"html"' ok 2
fault "a body of 64 MB" 9 '"kind":"huge"' TOO_LONG 1
fault "a redirect" 9 '"kind":"redirect","location":"https://evil.example/"' "BACKEND: gcp" 1
fault "a connection that is reset" 1 '"kind":"reset"' ok 2
fault "503 twice" 2 '"kind":"status","status":503,"code":"UNAVAILABLE"' ok 3
fault "503 always" 99 '"kind":"status","status":503,"code":"UNAVAILABLE"' BACKEND_UNREACHABLE 5
fault "429 with a wish" 1 '"kind":"status","status":429,"code":"RESOURCE_EXHAUSTED","retryAfter":"1"' ok 2
fault "429 with an absurd wish" 9 '"kind":"status","status":429,"code":"RESOURCE_EXHAUSTED","retryAfter":"1000000000"' \
  "BUSY: gcp" 1
fault "500 once" 1 '"kind":"status","status":500,"code":"INTERNAL"' ok 2
fault "403" 9 '"kind":"status","status":403,"code":"PERMISSION_DENIED"' PERMISSION 1
fault "a silence of 3.5 seconds" 1 '"kind":"delay","delayMS":3500' ok 2
admin reset
admin fault '{"match":"cryptoKeys","count":9,"kind":"reset"}'
refused "a key is not made again when the connection was lost" BACKEND_UNREACHABLE use create ec 256 lost
is "so that one call was made" 1 "$(calls "POST /v1/projects")"
admin reset

# ---- credentials --------------------------------------------------------------------------------------------------

for file in service-account.json external-file.json external-json.json external-url.json authorized-user.json; do
  check "$file signs" gcp $file sign "$key" ECDSA
done
refused "who has no permission is refused" PERMISSION gcp nobody.json sign "$key" ECDSA
refused "a forged key gets no token" "invalid_grant" gcp forged.json sign "$key" ECDSA
refused "an expired foreign token gets none" "invalid_grant" gcp external-expired.json sign "$key" ECDSA
refused "no program is run for a token" UNSUPPORTED gcp external-program.json sign "$key" ECDSA
refused "a file that is not there is said to be" PERMISSION gcp none.json sign "$key" ECDSA
out=$("$abs_top_builddir/tests/support/use_adapter" gcp --endpoint "$CHIO_TEST_GCP_ENDPOINT" --ca-file "$CHIO_TEST_GCP_CA" \
  --token-file "$dir/service-account.json" sign "$key" ECDSA 2>&1) || :
contains "a token service that is not Google's must be configured" POLICY "$out"
check "the metadata server gives a token" env GCE_METADATA_HOST="${CHIO_TEST_GCP_HTTP#http://}" \
  "$abs_top_builddir/tests/support/use_adapter" gcp --endpoint "$CHIO_TEST_GCP_ENDPOINT" --ca-file "$CHIO_TEST_GCP_CA" \
  sign "$key" ECDSA
admin "clock?offset=600"
check "a clock that is ten minutes slow is corrected" use sign "$key" ECDSA
admin "clock?offset=-600"
check "one that is ten minutes fast too" use sign "$key" ECDSA
admin "clock?offset=0"
before=$(curl -sS "$CHIO_TEST_GCP_HTTP/admin/tokens")
check "16 threads sign 200 times" use --count 200 --threads 16 sign "$key" ECDSA
is "with one token" $((before + 1)) "$(curl -sS "$CHIO_TEST_GCP_HTTP/admin/tokens")"
use --count 1500 --threads 8 sign "$key" ECDSA >"$dir/out" 2>&1 &
signer=$!
sleep 0.4
admin "tokens?revoke=1"
wait $signer || :
contains "tokens that are revoked in between cost nobody a signature" "1500 done, 0 failed" "$(cat "$dir/out")"
check "health" use health
refused "health says when nobody knows us" PERMISSION gcp nobody.json health
refused "a CA that is not the server's is refused" PEER_UNTRUSTED "$abs_top_builddir/tests/support/use_adapter" gcp \
  --endpoint "$CHIO_TEST_GCP_ENDPOINT" --auth token --token-file "$dir/subject-token" sign "$key" ECDSA

plan
