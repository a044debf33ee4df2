#!/bin/sh
# AWS: sealing, answers that are wrapped for evidence, key agreement. localstack-core has Decrypt with Recipient and
# DeriveSharedSecret, and ciphertexts that are bound to their context.
# What it cannot show: whether evidence is looked at (it never verifies it), who may do what, Ed25519, OAEP with SHA-1.
set -u
. "$abs_top_srcdir/tests/support/tap.sh"
. "$abs_top_srcdir/tests/kms/use.sh"
use_server localstack

AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
unset AWS_SESSION_TOKEN AWS_PROFILE AWS_ENDPOINT_URL AWS_ENDPOINT_URL_KMS AWS_CA_BUNDLE 2>/dev/null
cd "$use_dir" || exit 1

aws() {
  adapter aws --endpoint "$CHIO_TEST_LOCALSTACK_ENDPOINT" --region us-east-1 --timeout-ms 20000 "$@"
}

# The ARN of a key that the adapter does not make: JSON
make() {
  curl -s -f --max-time 20 -H 'Content-Type: application/x-amz-json-1.1' -H 'X-Amz-Target: TrentService.CreateKey' \
    -H 'Authorization: AWS4-HMAC-SHA256 Credential=test/20261121/us-east-1/kms/aws4_request, SignedHeaders=host, Signature=0' \
    --data "$1" "$CHIO_TEST_LOCALSTACK_ENDPOINT/" | grep -o 'arn:aws:kms:[^"]*'
}

printf 'thirty-two bytes of a root key..' >plain
symmetric=awskms:///$(make '{}')
rsa=awskms:///$(make '{"KeySpec":"RSA_2048","KeyUsage":"ENCRYPT_DECRYPT"}')

seal() { aws encrypt "$1" "$2" ${3:+"$3"} <plain >sealed; }
opens() { aws decrypt "$1" "$2" ${3:+"$3"} <sealed | cmp - plain; }
check "a plaintext is sealed under a context" seal "$symmetric" symmetric context
check "and opens under it" opens "$symmetric" symmetric context
check "and under no other" fails_with DATA_INVALID opens "$symmetric" symmetric other
check "nor under none" fails_with DATA_INVALID opens "$symmetric" symmetric
cp sealed whole
printf 'x' | dd of=sealed bs=1 seek=70 conv=notrunc 2>/dev/null
check "nor when it was changed" fails_with DATA_INVALID opens "$symmetric" symmetric context
check "RSA-OAEP with SHA-256" seal "$rsa" oaep-sha256
check "opens again" opens "$rsa" oaep-sha256
check "with SHA-512 AWS has none" fails_with MECHANISM_UNSUPPORTED seal "$rsa" oaep-sha512
check "a label is not taken" fails_with MECHANISM_PARAM seal "$rsa" oaep-sha256 label
check "a symmetric key signs nothing" fails_with "has no PublicKey" aws sign "$symmetric" ECDSA

# Evidence: a Nitro document is an untagged COSE_Sign1 whose payload holds the RSA key that the answer is wrapped for.
openssl genrsa -out recipient.key 2048 2>/dev/null
openssl pkey -in recipient.key -pubout -outform DER -out recipient.der
document() {
  "$CHIO_TEST_LOCALSTACK_PYTHON" - "$1" <<'PY' >document
import sys
import cbor2
key = open("recipient.der", "rb").read()
payload = {"module_id": "i-0-enc0", "digest": "SHA384", "timestamp": 1795280624000, "pcrs": {0: b"\0" * 48},
           "certificate": b"", "cabundle": [], "public_key": key, "user_data": None, "nonce": None}
if sys.argv[1] == "keyless":
    payload["public_key"] = None
body = [cbor2.dumps({1: -35}), {}, cbor2.dumps(payload), b"\0" * 96]
sys.stdout.buffer.write(cbor2.dumps(cbor2.CBORTag(18, body) if sys.argv[1] == "tagged" else body))
PY
}
by_evidence() { aws --evidence document decrypt "$symmetric" symmetric context <whole >wrapped; }
cms_opens() { openssl cms -decrypt -inform DER -in wrapped -inkey recipient.key | cmp - plain; }
document good
check "an answer to evidence comes wrapped" by_evidence
check "for the key in the evidence, and openssl cms opens it" cms_opens
contains "by RSAES-OAEP and AES-256-CBC" aes-256-cbc "$(openssl cms -cmsout -print -noout -inform DER -in wrapped 2>&1)"
lacks "the plaintext is nowhere in it" "root key" "$(cat -v wrapped)"
for kind in tagged keyless; do
  document $kind
  check "an open answer to evidence is refused ($kind)" fails_with "answered evidence with an open plaintext" by_evidence
  check "and nothing is written ($kind)" test ! -s wrapped
done
printf junk >document
check "so is one to junk" fails_with "BACKEND: aws 'test': Decrypt answered evidence with an open plaintext" by_evidence

for curve in 256 384 521; do
  agree=awskms:///$(make "{\"KeySpec\":\"ECC_NIST_P$curve\",\"KeyUsage\":\"KEY_AGREEMENT\"}")
  openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:P-$curve" -out ours.key 2>/dev/null
  openssl pkey -in ours.key -pubout -outform DER -out ours.der
  aws derive "$agree" ours.der theirs.der >shared 2>derive.log
  openssl pkey -pubin -inform DER -in theirs.der -out theirs.pem 2>>derive.log
  local_secret() { [ -s shared ] && openssl pkeyutl -derive -inkey ours.key -peerkey theirs.pem | cmp - shared; }
  check "a shared secret on P-$curve is the one that we compute" local_secret
done
check "a symmetric key agrees on nothing" fails_with "has no PublicKey" aws derive "$symmetric" ours.der theirs.der
check "a key made to sign agrees on nothing" fails_with KEY_FUNCTION \
  aws derive "$(aws create ec 521 signs)" ours.der theirs.der

for row in "ec 256 ECDSA" "ec 384 ECDSA_SHA384" "ec 521 ECDSA_SHA512" "rsa 2048 SHA256_RSA_PKCS" \
  "rsa 2048 SHA512_RSA_PKCS_PSS"; do
  # shellcheck disable=SC2086
  set -- $row
  made=$(aws --timeout-ms 60000 create "$1" "$2")
  check "libcrypto verifies $3 of $1 $2" aws --count 8 sign "$made" "$3"
done

plan
