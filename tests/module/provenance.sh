#!/bin/sh
# [provenance]: envelopes that tools of others wrote are read, and what they vouch for is what is accepted.
. "$abs_top_srcdir/tests/support/tap.sh"
. "$abs_top_srcdir/tests/support/judges.sh"
if ! has securesystemslib.dsse || ! has cryptography; then skip_all "securesystemslib or cryptography is not here"; fi
under_chiod
enter_token
root=$CHIO_STATE/sim/tdx-root.pem
unset OPENSSL_CONF OPENSSL_MODULES
chio-hsm key generate web >/dev/null || exit 99
chio-hsm attest web -o web.evidence 2>/dev/null || exit 99
chio-hsm policy init --from web.evidence --root "$root" -o drafted.toml || exit 99
measurement=$(sed -n '/^measurements/,/\]/s/.*"\([0-9a-f]*\)".*/\1/p' drafted.toml)
sed '/^measurements/,/\]/d' drafted.toml >bare.toml

# The signers and the envelope are securesystemslib's; so is the statement in-toto-attestation's, where that is here.
cat >build.py <<'P'
import json, sys
from cryptography.hazmat.primitives import serialization as s
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner
measurement, names, out = sys.argv[1], sys.argv[2].split(","), sys.argv[3]
subject = {"name": "mrtd", "digest": {"sha384": measurement}}
predicate = {"buildDefinition": {"buildType": "https://example.org/b", "externalParameters": {}},
             "runDetails": {"builder": {"id": "https://ci.example/1"}}}
try:
    from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
    from in_toto_attestation.v1.statement import Statement
    from google.protobuf.json_format import MessageToDict
    statement = Statement([ResourceDescriptor(**subject).pb], "https://slsa.dev/provenance/v1", predicate)
    statement.validate()
    payload = MessageToDict(statement.pb)
    print("in-toto-attestation wrote the statement", file=sys.stderr)
except ImportError:
    payload = {"_type": "https://in-toto.io/Statement/v1", "subject": [subject],
               "predicateType": "https://slsa.dev/provenance/v1", "predicate": predicate}
envelope = Envelope(json.dumps(payload).encode(), "application/vnd.in-toto+json", {})
for name in names:
    try:
        key = s.load_pem_private_key(open(name + ".key", "rb").read(), None)
    except FileNotFoundError:
        key = ed25519.Ed25519PrivateKey.generate() if name == "ed" else ec.generate_private_key(ec.SECP256R1())
        open(name + ".key", "wb").write(key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()))
        open(name + ".pem", "wb").write(key.public_key().public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo))
    envelope.sign(CryptoSigner(key))
json.dump(envelope.to_dict(), open(out, "w"))
P
build() { "$python" build.py "$@"; }
with() {
  cp bare.toml policy.toml
  printf '[provenance]\n' >>policy.toml
  printf '%s\n' "$@" >>policy.toml
}
judge() { chio-hsm verify web.evidence --policy policy.toml --json; }

check "securesystemslib signs provenance with P-256" build "$measurement" ec ec.json
check "and with Ed25519" build "$measurement" ed ed.json
check "and with both" build "$measurement" ec,ed both.json
other=$(printf %s "$measurement" | tr 0-9a-f 1-9a-f0)
build "$other" ec other.json && build "$measurement" stranger stranger.json || exit 99

with 'files = ["ec.json"]' 'keys = ["ec.pem"]' 'builder_ids = ["https://ci.example/1"]'
contains "what it vouches for is accepted" '"verdict":"accepted"' "$(judge)"
contains "the policy is told in words" "its builder vouches for what runs" "$(chio-hsm policy explain policy.toml)"
contains "with the values that it brought" "$measurement" "$(chio-hsm policy explain policy.toml)"
with 'files = ["ed.json"]' 'keys = ["ed.pem"]'
contains "the same by the other key" '"verdict":"accepted"' "$(judge)"
with 'files = ["both.json"]' 'keys = ["ed.pem", "ec.pem"]' 'threshold = 2'
contains "the same by two of two" '"verdict":"accepted"' "$(judge)"
with 'files = ["ec.json", "ed.json"]' 'keys = ["ed.pem", "ec.pem"]' 'threshold = 2'
contains "in two envelopes too" '"verdict":"accepted"' "$(judge)"
with 'files = ["other.json"]' 'keys = ["ec.pem"]'
contains "another measurement is another" '"reason":"measurement"' "$(judge)"

refuse() {
  name=$1 code=$2
  shift 2
  with "$@"
  contains "$name" "$code" "$(judge 2>&1)"
  refute "$name: the exit status says so" judge
}
refuse "a stranger's word is none" provenance-signer: 'files = ["stranger.json"]' 'keys = ["ec.pem"]'
refuse "one of two is too few" provenance-threshold: 'files = ["ec.json"]' 'keys = ["ec.pem", "ed.pem"]' 'threshold = 2'
refuse "another builder is refused" provenance-builder: 'files = ["ec.json"]' 'keys = ["ec.pem"]' 'builder_ids = ["https://ci.example/2"]'
"$python" - <<'P'
import base64, json
e = json.load(open("ec.json"))
body = base64.b64decode(e["payload"]).replace(b"ci.example/1", b"ci.example/2")
json.dump(dict(e, payload=base64.b64encode(body).decode()), open("changed.json", "w"))
P
refuse "a changed statement is refused" provenance-sign 'files = ["changed.json"]' 'keys = ["ec.pem"]'
plan
