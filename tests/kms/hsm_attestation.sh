#!/bin/sh
# What the HSMs of Google and Azure attest of their keys, from the KMS to the verdict: genuine attestations of Google's
# HSMs, as smallstep's Go module has them; then those of a simulated HSM, through adapter, chio-kmsd and signer, judged by
# the signer, by `chio-hsm verify`, and by a script that is nobody's but its own (judge_hsm.py).
. "$abs_top_srcdir/tests/support/tap.sh"

judge=$abs_top_srcdir/tests/kms/judge_hsm.py

if [ -z "${CHIO_TEST_DIR:-}" ]; then
  . "$abs_top_srcdir/tests/kms/use.sh"
  for tool in openssl pkcs11-tool curl python3; do
    command -v $tool >/dev/null 2>&1 || skip_all "$tool is not here"
  done
  if [ ! -x "$abs_top_builddir/tests/support/make_attestation" ]; then skip_all "make_attestation is not built"; fi
  CHIO_TEST_CONFIG=
  if try_server gcp; then
    google="[backend.google]
kind = \"gcp\"
endpoint = \"$CHIO_TEST_GCP_ENDPOINT\"
auth_endpoint = \"$CHIO_TEST_GCP_ENDPOINT\"
ca_file = \"$CHIO_TEST_GCP_CA\"
token_file = \"$CHIO_TEST_GCP_DIR/service-account.json\"
key_ring = \"$CHIO_TEST_GCP_RING\"
protection = \"hsm\"
attestation_roots = [\"$CHIO_TEST_GCP_HSM_ROOTS\"]
timeout_ms = 20000
retry_ms = 200"
    keys=
    for key in good rsa bad soft; do keys="$keys${keys:+, }\"gcpkms://$CHIO_TEST_GCP_RING/cryptoKeys/$key\""; done
    CHIO_TEST_CONFIG="$google
keys = [$keys]
$(printf '%s\n' "$google" | sed 's/backend.google/backend.strict/')
attestation = \"require\"
keys = [$keys]"
    api_token=$(curl -sS -f -H 'Metadata-Flavor: Google' \
      "$CHIO_TEST_GCP_HTTP/computeMetadata/v1/instance/service-accounts/default/token" |
      sed 's/.*"access_token":"\([^"]*\)".*/\1/')
    # NAME ALGORITHM LEVEL
    make_key() {
      curl -sS -f -X POST -H "Authorization: Bearer $api_token" -H 'Content-Type: application/json' \
        "$CHIO_TEST_GCP_HTTP/v1/$CHIO_TEST_GCP_RING/cryptoKeys?cryptoKeyId=$1" -d \
        "{\"purpose\":\"ASYMMETRIC_SIGN\",\"versionTemplate\":{\"algorithm\":\"$2\",\"protectionLevel\":\"$3\"}}" >/dev/null
    }
    make_key good EC_SIGN_P256_SHA256 HSM
    make_key rsa RSA_SIGN_PKCS1_2048_SHA256 HSM
    make_key soft EC_SIGN_P256_SHA256 SOFTWARE
    curl -sS -f -X POST "$CHIO_TEST_GCP_HTTP/admin/attestations?flaws=imported" >/dev/null
    make_key bad EC_SIGN_P256_SHA256 HSM
    curl -sS -f -X POST "$CHIO_TEST_GCP_HTTP/admin/attestations" >/dev/null
  fi
  gcp_missing=$use_reason
  if try_server azure; then
    azure() {
      adapter azure --ca-file "$CHIO_TEST_AZURE_CA" --auth-endpoint "$CHIO_TEST_AZURE_AUTHORITY" --auth secret \
        --role "$CHIO_TEST_AZURE_CLIENT" --secret-file "$CHIO_TEST_AZURE_SECRET_FILE" \
        --vault "$CHIO_TEST_AZURE_HSM" --protection hsm "$@" >/dev/null
    }
    azure create ec 384 managed
    CHIO_TEST_CONFIG="$CHIO_TEST_CONFIG
[backend.managed]
kind = \"azure\"
ca_file = \"$CHIO_TEST_AZURE_CA\"
auth_endpoint = \"$CHIO_TEST_AZURE_AUTHORITY\"
auth = \"secret\"
role = \"$CHIO_TEST_AZURE_CLIENT\"
secret_file = \"$CHIO_TEST_AZURE_SECRET_FILE\"
attestation = \"require\"
attestation_roots = [\"$CHIO_TEST_AZURE_HSM_ROOTS\"]
timeout_ms = 20000
retry_ms = 200
keys = [\"azurekms://$CHIO_TEST_AZURE_HSM/managed\"]"
  fi
  export CHIO_TEST_CONFIG gcp_missing azure_missing="$use_reason"
  chmod -R go+rX "$use_dir"
  "$abs_top_srcdir/tests/support/with-chiod" /bin/sh "$0"
  exit
fi

cd "$CHIO_TEST_DIR" || exit 99
ossl() {
  OPENSSL_CONF=/dev/null openssl "$@"
}

# The verdict's first reason; "accepted" when there is none.
reason() {
  chio-hsm verify "$@" --json 2>/dev/null | sed -n 's/.*"reason":"\([a-z-]*\)","failures".*/\1/p'
}

# ---- Genuine ones ----

module=go.step.sm/crypto@v0.91.1
testdata=
if command -v go >/dev/null 2>&1; then
  # What was fetched before is there without a network.
  [ "${CHIO_TEST_INSTALL:-no}" != no ] || export GOPROXY=off
  testdata=$(cd / && timeout 120 go mod download -json "$module" 2>/dev/null | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
  testdata=$testdata/kms/cloudkms/testdata
fi
if [ ! -f "$testdata/ec.dat" ]; then
  skip "genuine attestations of Google's HSMs" "Go cannot get $module, which has them"
elif ! python3 "$judge" key "$testdata/ec.dat" >/dev/null 2>&1; then
  skip "genuine attestations of Google's HSMs" "python3 has no cryptography"
else
  at="--at 2026-06-01T00:00:00Z"
  for kind in ec rsa; do
    python3 "$judge" key "$testdata/$kind.dat" >"genuine-$kind.pem"
    # shellcheck disable=SC2086
    is "a genuine attestation, $kind, is accepted for its key" accepted \
      "$(reason "$testdata/$kind.dat" --collateral "$testdata/$kind.certs" --key "genuine-$kind.pem" $at)"
    # shellcheck disable=SC2086
    is "and for no other, $kind" key-mismatch \
      "$(reason "$testdata/$kind.dat" --collateral "$testdata/$kind.certs" --key "$testdata/pub.pem" $at)"
  done
  # shellcheck disable=SC2086
  contains "its owner is Google" '"owner_trusted":true,"owner":"Hawksbill Root v1 prod"' \
    "$(chio-hsm verify "$testdata/ec.dat" --collateral "$testdata/ec.certs" --key genuine-ec.pem $at --json)"
  # shellcheck disable=SC2086
  is "another card's chain does not do" signature \
    "$(reason "$testdata/ec.dat" --collateral "$testdata/rsa.certs" --key genuine-ec.pem $at)"
  # shellcheck disable=SC2086
  is "a symmetric key is no pair" unsupported \
    "$(reason "$testdata/aes.dat" --collateral "$testdata/aes.certs" --key genuine-ec.pem $at)"
  gzip -dc "$testdata/rsa.dat" >genuine.raw
  # shellcheck disable=SC2086
  is "unpacked it is the same" accepted \
    "$(reason genuine.raw --collateral "$testdata/rsa.certs" --key genuine-rsa.pem $at)"
  # shellcheck disable=SC2086
  is "after the end of a certificate it is refused" certificate-expired \
    "$(reason genuine.raw --collateral "$testdata/rsa.certs" --key genuine-rsa.pem --at 2031-01-01T00:00:00Z)"
fi

# ---- Through the signer ----

# The labels of a token's private keys, once all are there that are wanted: labels TOKEN COUNT
labels() {
  labels_tries=60
  while [ $labels_tries -gt 0 ]; do
    labels_found=$(pkcs11-tool --module "$CHIO_PKCS11_MODULE" --token-label "$1" -O --type privkey 2>/dev/null |
      sed -n 's/^  label:  *//p' | sort | tr '\n' ' ')
    [ "$(echo "$labels_found" | wc -w)" -lt "$2" ] || break
    sleep 0.5
    labels_tries=$((labels_tries - 1))
  done
  echo "$labels_found"
}

# What the signer's statement says that was proved: proved KEY TOKEN
proved() {
  chio-hsm attest "$1" --token "$2" -o "$1.evidence" >/dev/null &&
    chio-hsm verify "$1.evidence" --json | sed -n 's/.*"backend_proved":"\([^"]*\)".*/\1/p'
}

named="signature,chain,key (under a root that the configuration names)"

# KEY TOKEN ROOTS
judged_again() {
  check "$1: its attestation is written out" chio-hsm attest "$1" --token "$2" --format backend -o "$1.json"
  check "$1: and its public key" chio-hsm export-pub "$1" --token "$2" -o "$1.pem"
  is "$1: both are accepted offline, under the named roots" accepted "$(reason "$1.json" --key "$1.pem" --root "$3")"
  is "$1: without them it is simulated" simulated-root "$(reason "$1.json" --key "$1.pem")"
  ossl ecparam -name prime256v1 -genkey -noout | ossl pkey -pubout >other.pem
  is "$1: another key is refused" key-mismatch "$(reason "$1.json" --key other.pem --root "$3")"
}

if [ -z "${CHIO_TEST_GCP_RING:-}" ] || [ -z "${CHIO_TEST_GCP_HSM_ROOTS:-}" ]; then
  skip "Google's keys" "$gcp_missing"
else
  is "all keys are there where attestations are recorded" "bad good rsa soft " "$(labels google 4)"
  is "the good ones alone where they are required" "good rsa " "$(labels strict 2)"
  contains "the log says why" "the key was brought into the HSM" "$(cat "$CHIOD_LOG")"
  is "what was proved of a good one" "$named" "$(proved good google)"
  is "of one that was imported" "not verified: key-attributes: the key was brought into the HSM, not made in it" \
    "$(proved bad google)"
  is "nothing of one without" "" "$(proved soft google)"
  judged_again good google "$CHIO_TEST_GCP_HSM_ROOTS"
  judged_again rsa google "$CHIO_TEST_GCP_HSM_ROOTS"
  refute "a key without an attestation has none to write" chio-hsm attest soft --token google --format backend -o soft.json
  if python3 -c 'import cryptography' 2>/dev/null; then
    check "a verifier of its own accepts it" python3 "$judge" verify good.json "$CHIO_TEST_GCP_HSM_ROOTS" good.pem
    refute "and for another key it does not" python3 "$judge" verify good.json "$CHIO_TEST_GCP_HSM_ROOTS" other.pem
  else
    skip "a verifier of its own" "python3 has no cryptography"
  fi
  check "a key that is made where they are required" \
    pkcs11-tool --module "$CHIO_PKCS11_MODULE" --token-label strict --keypairgen --key-type EC:prime256v1 --label made
  is "is attested too" "$named" "$(proved made strict)"
fi

if [ -z "${CHIO_TEST_AZURE_HSM_ROOTS:-}" ]; then
  skip "a managed HSM's key" "$azure_missing"
else
  is "a managed HSM's key is there, for its attestation holds" "managed " "$(labels managed 1)"
  is "and what was proved" "$named" "$(proved managed managed)"
  judged_again managed managed "$CHIO_TEST_AZURE_HSM_ROOTS"
fi
plan
