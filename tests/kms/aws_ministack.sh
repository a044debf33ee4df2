#!/bin/sh
# AWS: signatures, states and TLS. ministack has right digests, key states and Ed25519, over http and TLS.
# What it cannot show: who may do what (it looks at no credentials), sealing (its ciphertexts are not authenticated), key
# agreement, and a disabled key that gives no public key (AWS refuses that too).
set -u
. "$abs_top_srcdir/tests/support/tap.sh"
. "$abs_top_srcdir/tests/kms/use.sh"
use_server ministack

AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
unset AWS_SESSION_TOKEN AWS_PROFILE AWS_ENDPOINT_URL AWS_ENDPOINT_URL_KMS AWS_CA_BUNDLE 2>/dev/null

aws() {
  adapter aws --endpoint "$CHIO_TEST_MINISTACK_ENDPOINT" --region us-east-1 "$@"
}

over_tls() {
  adapter aws --endpoint "$CHIO_TEST_MINISTACK_TLS_ENDPOINT" --region us-east-1 "$@"
}

# An operation that the adapter has not: OPERATION JSON
call() {
  curl -s -f --max-time 10 -H 'Content-Type: application/x-amz-json-1.1' -H "X-Amz-Target: TrentService.$1" \
    -H 'Authorization: AWS4-HMAC-SHA256 Credential=test/20261121/us-east-1/kms/aws4_request, SignedHeaders=host, Signature=0' \
    --data "$2" "$CHIO_TEST_MINISTACK_ENDPOINT/"
}

for row in "ec 256 p256" "ec 384 p384" "ec 521 p521" "ed25519 255 ed" "rsa 2048 r2048" "rsa 3072 r3072"; do
  # shellcheck disable=SC2086
  check "a key is made: $row" aws --timeout-ms 60000 create $row
done
for row in "p256 ECDSA" "p256 ECDSA_SHA256" "p384 ECDSA_SHA384" "p521 ECDSA_SHA512" "ed EDDSA" "r2048 RSA_PKCS" \
  "r2048 SHA256_RSA_PKCS" "r3072 SHA384_RSA_PKCS" "r2048 SHA512_RSA_PKCS" "r2048 SHA256_RSA_PKCS_PSS" \
  "r3072 SHA384_RSA_PKCS_PSS" "r2048 SHA512_RSA_PKCS_PSS"; do
  check "libcrypto verifies ${row#* } of ${row% *}" aws --count 4 sign "awskms:///alias/${row% *}" "${row#* }"
done
check "a message of 4096 bytes is signed with Ed25519" aws --data-len 4096 sign awskms:///alias/ed EDDSA
check "one of 4097 is not" fails_with "DATA_LEN: AWS takes messages of 1 to 4096 bytes" \
  aws --data-len 4097 sign awskms:///alias/ed EDDSA
for curve in 256 384 521; do
  case $curve in 521) hash=512 ;; *) hash=$curve ;; esac
  said=$(aws --timeout-ms 60000 --count 2000 --threads 4 sign "awskms:///alias/p$curve" "ECDSA_SHA$hash" 2>&1)
  contains "2000 signatures of P-$curve, all verified" "2000 done, 0 failed" "$said"
  lacks "some with a leading zero" ", 0 with a leading zero" "$said"
done

uri=$(aws describe awskms:///alias/p256 | cut -d' ' -f1)
contains "an alias is pinned to its ARN" "awskms:///arn:aws:kms:us-east-1:" "$uri"
contains "the list has it" "${uri%%\?*}" "$(aws list)"
check "a digest of another length is refused before it is sent" fails_with "DATA_LEN" aws --data-len 48 sign "$uri" ECDSA
check "another hash than the curve's too" fails_with "MECHANISM_UNSUPPORTED" aws sign "$uri" ECDSA_SHA384
check "another salt too" fails_with "MECHANISM_PARAM" aws --salt 20 sign awskms:///alias/r2048 SHA256_RSA_PKCS_PSS
check "an alias that is not there is not found" fails_with "NOT_FOUND: aws 'test': GetPublicKey alias/nothing" \
  aws describe awskms:///alias/nothing
check "nor a key" fails_with "NOT_FOUND" aws describe awskms:///00000000-0000-0000-0000-000000000000
check "a version is none of AWS's" fails_with "CONFIG" aws describe "awskms:///alias/p256?key_version=1"

id=${uri##*/}
id=${id%%\?*}
call DisableKey "{\"KeyId\":\"$id\"}" >/dev/null
check "a disabled key is told as such" fails_with "POLICY: aws 'test': key key/$id is in state Disabled" aws describe "$uri"
call EnableKey "{\"KeyId\":\"$id\"}" >/dev/null
check "and signs again when it is enabled" aws sign "$uri" ECDSA
call ScheduleKeyDeletion "{\"KeyId\":\"$id\",\"PendingWindowInDays\":7}" >/dev/null
check "one that is to be deleted is told as such" fails_with "is in state PendingDeletion" aws describe "$uri"

check "TLS with its own CA" over_tls --ca-file "$CHIO_TEST_MINISTACK_CA" create ec 256 tls
check "TLS without it is refused, and not tried again" fails_with "PEER_UNTRUSTED" over_tls describe awskms:///alias/tls
wrong=$(printf %s "$CHIO_TEST_MINISTACK_TLS_ENDPOINT" | sed 's/127\.0\.0\.1/other.localhost/')
check "another name than the certificate's is refused" fails_with "PEER_UNTRUSTED" adapter aws --endpoint "$wrong" \
  --region us-east-1 --ca-file "$CHIO_TEST_MINISTACK_CA" health
plain=$(printf %s "$CHIO_TEST_MINISTACK_TLS_ENDPOINT" | sed 's/^https/http/')
check "there is no way back to plain http" fails_with "use_adapter: BACKEND" adapter aws --endpoint "$plain" --region us-east-1 health

plan
