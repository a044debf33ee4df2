#!/bin/sh
# Certificates, message wrappers and reports on platforms other than TDX: the platform is CHIO_TEST_PLATFORM's, which
# containers_nitro.sh and containers_sgx.sh set.
export CHIO_TEST_PLATFORM="${CHIO_TEST_PLATFORM:-sim-snp}"
. "$abs_top_srcdir/tests/support/tap.sh"
need openssl python3
under_chiod
enter_token
tee=${CHIO_TEST_PLATFORM#sim-}
root=$CHIO_STATE/sim/$tee-root.pem
unset OPENSSL_CONF OPENSSL_MODULES
. "$abs_top_srcdir/tests/support/judges.sh"
hash=$(printf 'a workload' | openssl dgst -sha256 -r | cut -c1-64)
nonce32=$(printf 'a nonce' | openssl dgst -sha256 -r | cut -c1-64)
case $tee in
  sgx) oid=2.23.133.5.4.9 ;;
  *) oid=1.3.6.1.5.5.7.1.35 ;;
esac

judge() {
  file=$1
  shift
  chio-hsm verify "$file" --root "$root" "$@"
}

for label in web other; do
  check "a key is made" chio-hsm key generate $label
  check "its public key is exported" chio-hsm export-pub $label -o $label.pem
done
check "a certificate is written" chio-hsm attest web --format ratls --nonce 0011 --subject web.example -o web.crt
check "verify accepts it for key and nonce" judge web.crt --key web.pem --nonce 0011
contains "the key is proved" '"key"' "$(judge web.crt --key web.pem --nonce 0011 --json)"
refute "not for another key" judge web.crt --key other.pem
refute "not for another nonce" judge web.crt --nonce 0012
refute "not without the root" chio-hsm verify web.crt --key web.pem
refute "no profile applies to it" judge web.crt --key web.pem --binding tee-v1 --workload-hash "$hash"
check "openssl verifies it as signed by itself" openssl verify -CAfile web.crt -check_ss_sig web.crt
contains "openssl shows the extension" "$oid" "$(openssl x509 -in web.crt -noout -text 2>&1)"
openssl x509 -in web.crt -noout -pubkey >out 2>&1
is "and reads the same key" "$(cat web.pem)" "$(cat out)"

check "a request is written" chio-hsm attest web --format csr -o web.csr
check "and accepted" judge web.csr --key web.pem
check "a message wrapper is written" chio-hsm attest web --format cmw --nonce 01 -o web.cmw
check "and accepted" judge web.cmw --key web.pem --nonce 01
refute "not for another nonce" judge web.cmw --key web.pem --nonce 02
check "a raw quote is written" chio-hsm attest web --format quote --binding atls-v1 --nonce "$nonce32" -o web.quote
check "and accepted, with what came beside it" judge web.quote --key web.pem --binding atls-v1 --nonce "$nonce32"
check "a wrapper by atls-v1" chio-hsm attest web --format cmw --binding atls-v1 --nonce "$nonce32" -o atls.cmw
check "binds key and nonce" judge atls.cmw --key web.pem --binding atls-v1 --nonce "$nonce32"
refute "and not another key" judge atls.cmw --key other.pem --binding atls-v1 --nonce "$nonce32"
if [ "$tee" = sgx ]; then
  refute "package tee has no SGX" chio-hsm attest web --format tee-report --workload-hash "$hash"
else
  check "a report of package tee is written" chio-hsm attest web --format tee-report --workload-hash "$hash" -o tee.json
  check "and accepted" judge tee.json --key web.pem
  refute "not for another key" judge tee.json --key other.pem
  sed "s/\"tee_type\": \"$tee\"/\"tee_type\": \"tdx\"/" tee.json >word.json
  refute "nor under another name of the platform" judge word.json --key web.pem
fi

cat >cmw.py <<'P'
import cbor2, hashlib, sys
tee = sys.argv[1]
cmw = cbor2.loads(open("web.cmw", "rb").read())
kind, evidence, indicator = cmw["evidence"]
claims = cmw["claims"][1]
digest = hashlib.sha256(claims).digest() + bytes(32)
assert indicator == 4
if tee == "snp":
    assert kind == "application/vnd.veraison.tsm-report+cbor"
    report = cbor2.loads(evidence)
    assert report["provider"] == "sev_guest" and report["outblob"][0x50:0x90] == digest
elif tee == "nitro":
    assert kind == "application/aws-nitro-document"
    document = cbor2.loads(evidence)
    document = document.value if hasattr(document, "value") else document
    assert cbor2.loads(document[2])["user_data"] == digest
else:
    assert kind == "application/vnd.chio.quote" and evidence[48 + 320:48 + 384] == digest
P
if has cbor2; then
  check "cbor2 finds the claims' hash in the evidence" "$python" cmw.py "$tee"
else
  skip "the message wrapper by another library" "cbor2 is not here"
fi
plan
