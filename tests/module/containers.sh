#!/bin/sh
# Evidence in the containers that others read: each is written from a key, judged by verify, read by a tool that is not
# ours, and refused after it was changed.
. "$abs_top_srcdir/tests/support/tap.sh"
need openssl python3
under_chiod
enter_token
root=$CHIO_STATE/sim/tdx-root.pem
# Provider chio is not asked for anything here: openssl is to be the other implementation.
unset OPENSSL_CONF OPENSSL_MODULES
. "$abs_top_srcdir/tests/support/judges.sh"

judge() {
  file=$1
  shift
  chio-hsm verify "$file" --root "$root" "$@"
}

# refuse_flipped FILE LABEL ARGUMENTS: none of some thirty changes of one bit is accepted.
cat >flip.py <<'P'
import base64, sys
data = open(sys.argv[1], "rb").read()
label = sys.argv[2].encode()
if data.startswith(b"-----BEGIN"):
    der = base64.b64decode(b"".join(l for l in data.splitlines() if not l.startswith(b"-----")))
    wrap = lambda b: b"-----BEGIN " + label + b"-----\n" + base64.encodebytes(b) + b"-----END " + label + b"-----\n"
else:
    der, wrap = data, lambda b: b
start, end = 0, len(der)
if label == b"CMW":  # what is wrapped, not the labels around it: claims and the signed part of the quote
    start = der.index(b"outblob") + 7 + 3
    end = start + 632
count = 0
for at in range(start, end, max(1, (end - start) // 30)):
    bad = bytearray(der)
    bad[at] ^= 1
    open("flipped.%d" % count, "wb").write(wrap(bytes(bad)))
    count += 1
print(count)
P
refuse_flipped() {
  file=$1 label=$2
  shift 2
  made=$(python3 flip.py "$file" "$label")
  accepted=0 i=0
  while [ $i -lt "${made:-0}" ]; do
    if judge flipped.$i "$@" >out 2>&1; then
      accepted=$((accepted + 1))
      echo "# accepted: $file, change $i"
    fi
    i=$((i + 1))
  done
  if [ "${made:-0}" -ge 25 ]; then pass "$file: $made changes of one bit"; else fail "$file: too few changes"; fi
  is "$file: none of them is accepted" 0 $accepted
}

for type in p256 p384 p521 ed25519 rsa2048 rsa2048-pss; do
  check "$type: a key is made" chio-hsm key generate $type --type $type
  check "$type: its public key is exported" chio-hsm export-pub $type -o $type.pem
  check "$type: an RA-TLS certificate is written" \
    chio-hsm attest $type --format ratls --nonce 00112233 --subject "$type.example" -o $type.crt
  check "$type: verify accepts it for the key and the nonce" judge $type.crt --key $type.pem --nonce 00112233
  openssl x509 -in $type.crt -noout -pubkey >out 2>&1
  is "$type: openssl reads the same key" "$(cat $type.pem)" "$(cat out)"
  check "$type: openssl verifies it as signed by itself" openssl verify -CAfile $type.crt -check_ss_sig $type.crt
  contains "$type: openssl reads the subject" "$type.example" "$(openssl x509 -in $type.crt -noout -subject)"
  contains "$type: openssl shows the extension" "2.23.133.5.4.9" "$(openssl x509 -in $type.crt -noout -text 2>&1)"

  check "$type: a request with evidence is written" chio-hsm attest $type --format csr --subject "$type.example" -o $type.csr
  check "$type: verify accepts it for the key" judge $type.csr --key $type.pem
  check "$type: openssl verifies its signature" openssl req -in $type.csr -noout -verify
  openssl req -in $type.csr -noout -pubkey >out 2>&1
  is "$type: openssl reads the same key in it" "$(cat $type.pem)" "$(cat out)"
done

for file in p256.crt p256.csr; do
  refute "$file: refused where nobody names the root" chio-hsm verify $file --key p256.pem
  refute "$file: refused for another key" judge $file --key p384.pem
  refute "$file: refused for another nonce" judge $file --nonce 00112234
done
contains "the kind of container is said" '"container":"request"' "$(judge p256.csr --json)"
contains "and of a certificate" '"container":"certificate"' "$(judge p256.crt --json)"
contains "what is proved names the key" '"key"' "$(judge p256.crt --key p256.pem --json)"
refuse_flipped p256.crt CERTIFICATE
refuse_flipped p256.csr "CERTIFICATE REQUEST"
check "a request over a nonce" chio-hsm attest p256 --format csr --nonce 0abc -o fresh.csr
check "is accepted for it" judge fresh.csr --key p256.pem --nonce 0abc

# A certificate that another key signed, and one whose evidence is about another key.
openssl ecparam -name prime256v1 -genkey -noout -out thief.key 2>/dev/null
openssl x509 -in p256.crt -force_pubkey p384.pem -signkey thief.key -out stolen.crt 2>/dev/null
[ ! -s stolen.crt ] || refute "a certificate of another key around the evidence is refused" judge stolen.crt

check "the certificate of the key's birth is written" chio-hsm attest p256 --format certificate -o birth.crt
check "and accepted" judge birth.crt --key p256.pem
refute "and not for another key" judge birth.crt --key p384.pem
refuse_flipped birth.crt CERTIFICATE
openssl x509 -in birth.crt -noout -text >out 2>&1
for number in 1 2 3 4 5 6 9; do
  contains "openssl shows extension $number of YubiHSM's certificates" "1.3.6.1.4.1.41482.4.$number:" "$(cat out)"
done

# Message wrappers, and the raw quote.
check "a message wrapper is written" chio-hsm attest p256 --format cmw --nonce 0102 -o p256.cmw
check "and accepted for key and nonce" judge p256.cmw --key p256.pem --nonce 0102
contains "its container is named" '"container":"cmw"' "$(judge p256.cmw --json)"
contains "and the key is proved" '"key"' "$(judge p256.cmw --key p256.pem --json)"
refute "not for another key" judge p256.cmw --key p384.pem
refute "not for another nonce" judge p256.cmw --nonce 0103
refuse_flipped p256.cmw CMW --key p256.pem --nonce 0102

hash=$(printf 'a workload' | openssl dgst -sha256 -r | cut -c1-64)
nonce32=$(printf 'a nonce' | openssl dgst -sha256 -r | cut -c1-64)
check "a raw quote by tee-v1" chio-hsm attest p256 --format quote --binding tee-v1 --workload-hash "$hash" -o tee.quote
check "binds key and workload" judge tee.quote --key p256.pem --binding tee-v1 --workload-hash "$hash"
refute "and not another key" judge tee.quote --key rsa2048.pem --binding tee-v1 --workload-hash "$hash"
check "a raw quote by atls-v1" chio-hsm attest p384 --format quote --binding atls-v1 --nonce "$nonce32" -o atls.quote
check "binds key and nonce" judge atls.quote --key p384.pem --binding atls-v1 --nonce "$nonce32"
check "a raw quote by chio-v1" chio-hsm attest ed25519 --format quote --binding chio-v1 --receipt-root "$hash" -o chio.quote
check "binds the key as Chio does" judge chio.quote --key ed25519.pem --binding chio-v1 --receipt-root "$hash"
check "a raw quote by the default profile" chio-hsm attest p256 --format quote --nonce 0102 -o ratls.quote
check "binds key and nonce by ratls-v1" judge ratls.quote --key p256.pem --binding ratls-v1 --nonce 0102
refute "and not another key" judge ratls.quote --key p384.pem --binding ratls-v1 --nonce 0102
refute "nor another nonce" judge ratls.quote --key p256.pem --binding ratls-v1 --nonce 0103
refute "nor none" judge ratls.quote --key p256.pem --binding ratls-v1
refute "nor by another profile" judge ratls.quote --key p256.pem --binding chio-hsm-boot-v1 --nonce 0102 --manifest "$hash"
contains "how it is judged is told with it" "verify ratls.quote --key PUBLIC-KEY --binding ratls-v1 checks it" \
  "$(chio-hsm attest p256 --format quote -o ratls.quote)"
check "what was told holds" judge ratls.quote --key p256.pem --binding ratls-v1
contains "a wrapper says itself what it binds" "verify ratls.cmw checks it" "$(chio-hsm attest p256 --format cmw -o ratls.cmw)"
refute "and takes no profile" judge ratls.cmw --key p256.pem --binding ratls-v1
check "a wrapper by tee-v1" chio-hsm attest p256 --format cmw --binding tee-v1 --workload-hash "$hash" -o tee.cmw
check "is judged by the profile that is named" judge tee.cmw --key p256.pem --binding tee-v1 --workload-hash "$hash"
refute "and for no key without one" judge tee.cmw --key p256.pem

check "a report of package tee is written" chio-hsm attest p256 --format tee-report --workload-hash "$hash" -o tee.json
check "and accepted for its key" judge tee.json --key p256.pem
refute "not for another key" judge tee.json --key p384.pem
refute "an RSA key has no such report" chio-hsm attest rsa2048 --format tee-report --workload-hash "$hash"
refute "nor is there one without the model's hash" chio-hsm attest p256 --format tee-report
refute "nor over a nonce" chio-hsm attest p256 --format tee-report --workload-hash "$hash" --nonce 00
cat >tee.py <<'P'
import base64, hashlib, json, sys
text = open("tee.json").read()
report = json.loads(text)
assert text.rstrip("\n") == json.dumps(report, indent=2), "MarshalReport's layout"
assert list(report) == ["tee_type", "pubkey", "model_hash", "quote", "timestamp"] and report["tee_type"] == "tdx"
user = hashlib.sha256(bytes.fromhex(report["pubkey"]) + bytes.fromhex(report["model_hash"])).digest()
assert base64.b64decode(report["quote"])[0x238:0x278] == user + bytes(32)
P
check "the package's own rules find key and model in it" python3 tee.py
# A bundle with an in-toto Statement in its envelope.
check "an in-toto Statement is written" chio-hsm attest p256 --format in-toto --nonce 0102 -o intoto.json
check "and accepted for key and nonce" judge intoto.json --key p256.pem --nonce 0102
contains "the key is proved" '"key"' "$(judge intoto.json --key p256.pem --json)"
refute "not for another key" judge intoto.json --key p384.pem
refute "not for another nonce" judge intoto.json --nonce 0103
refute "refused where nobody names the root" chio-hsm verify intoto.json --key p256.pem
check "written without a nonce" chio-hsm attest ed25519 --format in-toto -o plain.json
check "it is accepted for its key" judge plain.json --key ed25519.pem
refute "and answers no nonce" judge plain.json --nonce 00
refute "it takes no binding profile" chio-hsm attest p256 --format in-toto --binding tee-v1
refute "and no subject" chio-hsm attest p256 --format in-toto --subject x
cat >subject.py <<'P'
import base64, json
bundle = json.load(open("intoto.json"))
envelope = bundle["dsseEnvelope"]
statement = json.loads(base64.b64decode(envelope["payload"]))
statement["subject"][0]["digest"]["sha256"] = "00" * 32
envelope["payload"] = base64.b64encode(json.dumps(statement, sort_keys=True, separators=(",", ":")).encode()).decode()
json.dump(bundle, open("forged.json", "w"))
P
check "another subject is put into it" python3 subject.py
contains "which the attestation key did not sign" '"statement-signature"' "$(judge forged.json --json)"

printf '{"timestamp":1,"type":"stub","user_data":"%s"}' "$hash" >stub.json
refute "a stub quote is refused" judge stub.json
printf 'version = 1\ntee = ["stub"]\ninsecure_allow_stub = true\n' >stub.toml
check "but for a policy that says so" chio-hsm verify stub.json --policy stub.toml

check "a policy is drafted" chio-hsm policy init --from p256.crt --root "$root" -o old.toml
{ echo 'require_nonce = true'; cat old.toml; printf '[rollout]\nprevious = "old.toml"\nmode = "shadow"\n'; } >new.toml
check "in shadow the old policy decides" chio-hsm verify birth.crt --policy new.toml
contains "and what the new one says is told" "previous decided; the other policy says: nonce" \
  "$(chio-hsm verify birth.crt --policy new.toml)"

check "a key is taken out of use" chio-hsm key suspend ed25519
for format in cmw quote; do
  refute "no quote alone is made of it: $format" chio-hsm attest ed25519 --format $format -o suspended.out
  contains "which says why" "key 'ed25519' is suspended, which a quote alone would not say" \
    "$(chio-hsm attest ed25519 --format $format 2>&1)"
done
check "a bundle says its state" chio-hsm attest ed25519 --nonce 01 -o suspended.evidence
contains "which is told" "suspended" "$(judge suspended.evidence --nonce 01)"
check "in use again, it is bound again" sh -c 'chio-hsm key resume ed25519 && chio-hsm attest ed25519 --format quote -o again.quote'

refute "a profile that the signer has not is refused" chio-hsm attest p256 --format quote --binding registry-v1-onboard
refute "tee-v1 has no form for an RSA key" \
  chio-hsm attest rsa2048 --format quote --binding tee-v1 --workload-hash "$hash"
refute "tee-v1 needs the workload hash" chio-hsm attest p256 --format quote --binding tee-v1
refute "atls-v1 needs 32 bytes" chio-hsm attest p256 --format quote --binding atls-v1 --nonce 00
refute "a part that goes nowhere is refused" chio-hsm attest p256 --format quote --workload-hash "$hash"
refute "a profile is refused where the format has its own" chio-hsm attest p256 --format ratls --binding tee-v1
refute "a subject is refused where there is none" chio-hsm attest p256 --format cmw --subject x
refute "a format that is none is refused" chio-hsm attest p256 --format pkcs7
refute "the certificate of birth answers no nonce" chio-hsm attest p256 --format certificate --nonce 00

# Other implementations. Each part is skipped where its library is missing.
if has cbor2 && has cryptography; then
  cat >ratls.py <<'P'
import cbor2, hashlib, sys
from cryptography import x509
from cryptography.hazmat.primitives import serialization as s
cert = x509.load_pem_x509_certificate(open(sys.argv[1], "rb").read())
cert.verify_directly_issued_by(cert)
value = cert.extensions.get_extension_for_oid(x509.ObjectIdentifier("2.23.133.5.4.9")).value.value
tag = cbor2.loads(value)
assert tag.tag == 60000
quote, claims = tag.value
assert cbor2.loads(cbor2.dumps(cbor2.loads(claims), canonical=True)) == cbor2.loads(claims)
assert cbor2.dumps(cbor2.loads(claims), canonical=True) == claims, "claims are not deterministic"
parsed = cbor2.loads(claims)
alg, digest = cbor2.loads(parsed["pubkey-hash"])
spki = cert.public_key().public_bytes(s.Encoding.DER, s.PublicFormat.SubjectPublicKeyInfo)
assert alg == 1 and digest == hashlib.sha256(spki).digest()
assert parsed["nonce"] == bytes.fromhex("00112233")
assert quote[568:632] == hashlib.sha256(claims).digest() + bytes(32), "report data"
P
  for type in p256 p384 p521 rsa2048; do
    check "$type: cbor2 and cryptography read and check the RA-TLS certificate" "$python" ratls.py $type.crt
  done
  cat >cmw.py <<'P'
import cbor2, hashlib
cmw = cbor2.loads(open("p256.cmw", "rb").read())
assert cmw["__cmwc_t"].startswith("2.25.")
kind, evidence, indicator = cmw["evidence"]
assert kind == "application/vnd.veraison.tsm-report+cbor" and indicator == 4
report = cbor2.loads(evidence)
assert report["provider"] == "tdx_guest"
kind, claims = cmw["claims"]
assert kind == "application/eat-ucs+cbor"
assert report["outblob"][568:632] == hashlib.sha256(claims).digest() + bytes(32)
P
  check "cbor2 reads the message wrapper" "$python" cmw.py
  for type in p384 rsa2048 ed25519; do
    check "$type: the certificate of birth is written" chio-hsm attest $type --format certificate -o $type.birth
  done
  cat >yubihsm.py <<'P'
import sys
from cryptography import x509
capabilities = {"p256": 1 << 7, "p384": 1 << 7, "rsa2048": 3 << 5, "ed25519": 1 << 8}[sys.argv[2]]
cert = x509.load_pem_x509_certificate(open(sys.argv[1], "rb").read())
value = {}
for extension in cert.extensions:
    oid = extension.oid.dotted_string
    if oid.startswith("1.3.6.1.4.1.41482.4."):
        value[int(oid.split(".")[-1])] = extension.value.value
assert sorted(value) == [1, 2, 3, 4, 5, 6, 9], value
assert value[1][:2] == bytes([4, 3])
assert value[3] == bytes.fromhex("03020001"), "generated"
assert value[4] == bytes.fromhex("0303000001"), "domain"
assert value[5] == bytes.fromhex("030900") + capabilities.to_bytes(8, "big")
assert value[2][0] == 2 and value[6][0] == 2
assert value[9] == bytes([12, len(sys.argv[2])]) + sys.argv[2].encode()
P
  check "p256: cryptography reads what YubiHSM's certificates say" "$python" yubihsm.py birth.crt p256
  for type in p384 rsa2048 ed25519; do
    check "$type: cryptography reads what YubiHSM's certificates say" "$python" yubihsm.py $type.birth $type
  done
  cat >csr.py <<'P'
import cbor2, json
from cryptography import x509
csr = x509.load_pem_x509_csr(open("p256.csr", "rb").read())
assert csr.is_signature_valid
value = csr.attributes.get_attribute_for_oid(x509.ObjectIdentifier("1.2.840.113549.1.9.16.2.59")).value
at = value.index(bytes.fromhex("06082b06010505070123"))
assert value[at + 10] == 0x04, "OCTET STRING"
size = value[at + 11] & 0x7f
kind, bundle, indicator = cbor2.loads(value[at + 12 + size:])
assert kind == "application/vnd.dev.sigstore.bundle.v0.3+json" and indicator == 4
assert "dsseEnvelope" in json.loads(bundle)
P
  check "cryptography and cbor2 read the request's attribute" "$python" csr.py
else
  skip "RA-TLS, message wrapper and request by other libraries" "cbor2 or cryptography is not here"
fi
if has securesystemslib.dsse && has cryptography; then
  cat >intoto.py <<'P'
import base64, copy, hashlib, json
from cryptography.hazmat.primitives import serialization as s
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey
bundle = json.load(open("intoto.json"))
boot = bundle["verificationMaterial"]["chioBoot"]
ak = s.load_der_public_key(base64.b64decode(boot["attestationKey"]))
key = SSlibKey.from_crypto(ak, keyid=bundle["verificationMaterial"]["publicKey"]["hint"], scheme="ecdsa-sha2-nistp256")
envelope = Envelope.from_dict(copy.deepcopy(bundle["dsseEnvelope"]))
envelope.verify([key], 1)
assert envelope.payload_type == "application/vnd.in-toto+json"
statement = json.loads(envelope.payload)
public = s.load_pem_public_key(open("p256.pem", "rb").read())
spki = public.public_bytes(s.Encoding.DER, s.PublicFormat.SubjectPublicKeyInfo)
subject, = statement["subject"]
assert subject["digest"] == {"sha256": hashlib.sha256(spki).hexdigest()}
assert subject["name"] == statement["predicate"]["unique_id"]
assert base64.b64decode(statement["predicate"]["spki"]) == spki and statement["predicate"]["nonce"] == "0102"
forged = Envelope.from_dict(copy.deepcopy(json.load(open("forged.json"))["dsseEnvelope"]))
try:
    forged.verify([key], 1)
except VerificationError:
    raise SystemExit(0)
raise SystemExit("a forged Statement passes")
P
  check "securesystemslib verifies the envelope around the in-toto Statement" "$python" intoto.py
else
  skip "the in-toto Statement's envelope by another library" "securesystemslib or cryptography is not here"
fi
if has in_toto_attestation.v1.statement; then
  cat >attestation.py <<'P'
import base64, json
from google.protobuf import json_format
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
payload = base64.b64decode(json.load(open("intoto.json"))["dsseEnvelope"]["payload"])
message = json_format.Parse(payload, statement_pb2.Statement())
Statement.copy_from_pb(message).validate()
assert message.type == "https://in-toto.io/Statement/v1" and message.predicate_type.startswith("urn:oid:2.25.")
assert len(message.subject) == 1 and message.predicate["origin"] == "born"
P
  check "in-toto-attestation reads the Statement and finds it valid" "$python" attestation.py
else
  skip "the in-toto Statement by another library" "in-toto-attestation is not here"
fi
plan
