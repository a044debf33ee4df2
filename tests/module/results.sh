#!/bin/sh
# The verifier's result as others take it (EAR claims, JWT, CWT), and the bundle's envelope: each checked by a library
# that is not ours.
. "$abs_top_srcdir/tests/support/tap.sh"
need python3
under_chiod
enter_token
root=$CHIO_STATE/sim/tdx-root.pem
unset OPENSSL_CONF OPENSSL_MODULES
. "$abs_top_srcdir/tests/support/judges.sh"

for type in p256 p384 ed25519 rsa2048 rsa2048-pss; do
  check "$type: a key is made" chio-hsm key generate $type --type $type
  check "$type: its public key is exported" chio-hsm export-pub $type -o $type.pem
done
check "evidence is read" chio-hsm attest p256 --nonce 0a0b -o bundle
check "a policy is drafted" chio-hsm policy init --from bundle --root "$root" -o policy.toml

check "claims of an accepted result are written" \
  chio-hsm verify bundle --policy policy.toml --key p256.pem --nonce 0a0b --format ear -o ear.json
cat >ear.py <<'P'
import json, sys
ear = json.load(open(sys.argv[1]))
assert ear["eat_profile"] == "tag:github.com,2023:veraison/ear"
assert ear["ear.verifier-id"]["developer"] == "chio-hsm" and ear["ear.verifier-id"]["build"]
assert ear["exp"] - ear["iat"] == 300
(name, sub), = ear["submods"].items()
print(name, sub["ear.status"], sub["ear.trustworthiness-vector"]["executables"],
      sub["ear.trustworthiness-vector"]["hardware"], ear.get("eat_nonce"), "cnf" in ear,
      sub.get("ear.appraisal-policy-id", "none").split(":")[0], sub["chio-hsm.result"]["reason"])
P
is "simulated evidence is a warning, never affirmed, and its key is named" \
  "sim-tdx warning 2 0 Cgs True chio-policy accepted" "$(python3 ear.py ear.json)"
check "the same policy written otherwise" sh -c 'sed "s/^version = 1/# a comment\nversion = 0x1/" policy.toml >same.toml'
chio-hsm verify bundle --policy same.toml --key p256.pem --nonce 0a0b --format ear -o same.json
policy_id='import json,sys; print(next(iter(json.load(open(sys.argv[1]))["submods"].values()))["ear.appraisal-policy-id"])'
is "has the same name" "$(python3 -c "$policy_id" ear.json)" "$(python3 -c "$policy_id" same.json)"
printf 'max_age = 1000\n' >other.toml && cat policy.toml >>other.toml
chio-hsm verify bundle --policy other.toml --key p256.pem --nonce 0a0b --format ear -o other.json
refute "one that says more has another" [ "$(python3 -c "$policy_id" ear.json)" = "$(python3 -c "$policy_id" other.json)" ]

refute "of a refused result, the exit status says so" \
  chio-hsm verify bundle --policy policy.toml --nonce 0a0c --format ear -o refused.json
is "and the claims" "sim-tdx contraindicated 2 0 Cgw False chio-policy nonce" "$(python3 ear.py refused.json)"
refute "no root: refused" chio-hsm verify bundle --format ear -o rootless.json
is "nothing is claimed of what is not founded" "sim-tdx contraindicated 0 0 None False none simulated-root" \
  "$(python3 ear.py rootless.json)"

for type in p256 p384 ed25519 rsa2048 rsa2048-pss; do
  check "$type: a JWT is signed" chio-hsm verify bundle --policy policy.toml --key p256.pem --nonce 0a0b \
    --format ear-jwt --sign-with $type -o $type.jwt
  check "$type: a CWT is signed" chio-hsm verify bundle --policy policy.toml --key p256.pem --nonce 0a0b \
    --format ear-cwt --sign-with $type -o $type.cwt
done
refute "a token needs a key" chio-hsm verify bundle --root "$root" --format ear-jwt
refute "a key needs a token" chio-hsm verify bundle --root "$root" --sign-with p256
refute "a form that is none is refused" chio-hsm verify bundle --root "$root" --format xml
refute "two forms are refused" chio-hsm verify bundle --root "$root" --format ear --json
refute "a key that is not there is refused" \
  chio-hsm verify bundle --root "$root" --format ear-jwt --sign-with nobody
check "--format json is --json" sh -c 'chio-hsm verify bundle --root "$1" --format json >a && chio-hsm verify bundle --root "$1" --json >b && cmp a b' sh "$root"

# Read back: by the key of the verifier, by a policy that names it, and not otherwise.
for type in p256 p384 ed25519 rsa2048 rsa2048-pss; do
  for form in jwt cwt; do
    check "$type: the $form is read back, by its verifier's key" \
      sh -c 'chio-hsm verify "$1" --root "$2" --key p256.pem --nonce 0a0b --json >said' sh $type.$form $type.pem
    is "and proves what a token can" "ear sim-tdx signature chain key nonce" \
      "$(python3 -c 'import json; r = json.load(open("said")); print(r["format"], r["tee"], *r["proved"])')"
  done
done
{
  sed '/^\[/,$d' policy.toml
  printf '[ear]\nverifiers = ["%s"]\nstatuses = ["affirming", "warning"]\npolicies = ["%s"]\n' \
    "$(openssl pkey -pubin -in p384.pem -outform DER | sha256sum | cut -d' ' -f1)" "$(python3 -c "$policy_id" ear.json)"
} >verifier.toml
check "a policy names the verifier: the JWT is accepted, by the key in it" \
  chio-hsm verify p384.jwt --policy verifier.toml --nonce 0a0b
check "the CWT, by the key beside it" chio-hsm verify p384.cwt --policy verifier.toml --root p384.pem --nonce 0a0b
reads() {
  expected=$1
  shift
  chio-hsm verify "$@" --json >said
  is "refused: $expected ($*)" "refused $expected" \
    "$(python3 -c 'import json; r = json.load(open("said")); print(r["verdict"], r["reason"])')"
}
reads untrusted-root p256.jwt --policy verifier.toml --nonce 0a0b
reads untrusted-root p256.jwt --key p256.pem
reads signature p256.cwt --key p256.pem
reads signature p384.cwt --policy verifier.toml --nonce 0a0b
reads nonce p384.jwt --policy verifier.toml --nonce 0a0c
reads key-mismatch p384.jwt --policy verifier.toml --nonce 0a0b --key ed25519.pem
reads certificate-expired p384.jwt --policy verifier.toml --nonce 0a0b --at 2100-01-01T00:00:00Z
reads signature ear.json --root p384.pem
sed 's/, "warning"//' verifier.toml >affirming.toml
reads result p384.jwt --policy affirming.toml --nonce 0a0b
sed 's/^policies = .*/policies = ["chio-policy:other"]/' verifier.toml >otherwise.toml
reads result p384.jwt --policy otherwise.toml --nonce 0a0b

cat >jwt_check.py <<'P'
import base64, json, jwt, sys
from cryptography.hazmat.primitives import serialization as s
name, alg = sys.argv[1:]
token = open(name + ".jwt").read().strip()
key = s.load_pem_public_key(open(name + ".pem", "rb").read())
claims = jwt.decode(token, key, algorithms=[alg])
assert claims["submods"]["sim-tdx"]["ear.status"] == "warning"
own = jwt.PyJWK(jwt.get_unverified_header(token)["jwk"], algorithm=alg).key
form = (s.Encoding.DER, s.PublicFormat.SubjectPublicKeyInfo)
assert own.public_bytes(*form) == key.public_bytes(*form), "the header's key"
confirmed = jwt.PyJWK(claims["cnf"]["jwk"], algorithm="ES256").key
assert confirmed.public_bytes(*form) == s.load_pem_public_key(open("p256.pem", "rb").read()).public_bytes(*form)
head, body, signature = token.split(".")
forged = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
forged["submods"]["sim-tdx"]["ear.status"] = "affirming"
body = base64.urlsafe_b64encode(json.dumps(forged).encode()).decode().rstrip("=")
try:
    jwt.decode(".".join((head, body, signature)), key, algorithms=[alg])
except jwt.InvalidSignatureError:
    sys.exit(0)
sys.exit("a forged token passes")
P
if has jwt && has cryptography; then
  check "p256: PyJWT verifies it" "$python" jwt_check.py p256 ES256
  check "p384: PyJWT verifies it" "$python" jwt_check.py p384 ES384
  check "ed25519: PyJWT verifies it" "$python" jwt_check.py ed25519 EdDSA
  check "rsa2048: PyJWT verifies it" "$python" jwt_check.py rsa2048 RS256
  check "rsa2048-pss: PyJWT verifies it" "$python" jwt_check.py rsa2048-pss PS256
  cat >jwt_write.py <<'P'
import jwt, sys, time
from cryptography.hazmat.primitives import serialization as s
from cryptography.hazmat.primitives.asymmetric import ec
key, now = ec.generate_private_key(ec.SECP256R1()), int(time.time())
claims = {"eat_profile": "tag:github.com,2023:veraison/ear", "iat": now, "exp": now + 60,
          "ear.verifier-id": {"developer": "another", "build": "1"},
          "submods": {"sim-tdx": {"ear.status": "warning", "ear.trustworthiness-vector": {"hardware": 2}}}}
open("other.jwt", "w").write(jwt.encode(claims, key, algorithm="ES256"))
open("other.pem", "wb").write(key.public_key().public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo))
P
  "$python" jwt_write.py
  check "another verifier's token, written by PyJWT, is read" chio-hsm verify other.jwt --root other.pem
  reads result other.jwt --policy verifier.toml --root other.pem --nonce 0a0b
else
  skip "the JWT by another library" "PyJWT or cryptography is not here"
fi

cat >cwt_check.py <<'P'
import cbor2, sys
from pycose.messages import Sign1Message
from pycose.keys import EC2Key, OKPKey
from cryptography.hazmat.primitives import serialization as s
name = sys.argv[1]
tag = cbor2.loads(open(name + ".cwt", "rb").read())
assert tag.tag == 61 and tag.value.tag == 18
protected, unprotected, payload, signature = tag.value.value
message = Sign1Message.from_cose_obj([protected, dict(unprotected), payload, signature], True)
public = s.load_pem_public_key(open(name + ".pem", "rb").read())
if name == "ed25519":
    message.key = OKPKey(crv="ED25519", x=public.public_bytes(s.Encoding.Raw, s.PublicFormat.Raw))
else:
    numbers, size = public.public_numbers(), (public.curve.key_size + 7) // 8
    curve = {"p256": "P_256", "p384": "P_384"}[name]
    message.key = EC2Key(crv=curve, x=numbers.x.to_bytes(size, "big"), y=numbers.y.to_bytes(size, "big"))
assert message.verify_signature()
claims = cbor2.loads(message.payload)
assert cbor2.dumps(claims, canonical=True) == message.payload, "not deterministic"
assert claims[265] == "tag:github.com,2023:veraison/ear" and claims[10] == b"\x0a\x0b"
assert claims[4] - claims[6] == 300 and claims[1004][0] == "chio-hsm"
confirmed = EC2Key.from_dict(claims[8][1]) if 8 in claims else None
assert confirmed.x.hex() in open("p256.hex").read()
assert claims[266]["sim-tdx"][1000] == 32 and claims[266]["sim-tdx"][1001][2] == 2
message.payload = message.payload.replace(b"sim-tdx", b"SIM-tdx")
assert not message.verify_signature()
P
if has pycose && has cbor2; then
  openssl pkey -pubin -in p256.pem -outform DER | od -An -v -tx1 | tr -d ' \n' >p256.hex
  for type in p256 p384 ed25519; do
    check "$type: pycose verifies the CWT" "$python" cwt_check.py $type
  done
else
  skip "the CWT by another library" "pycose or cbor2 is not here"
fi

cat >dsse.py <<'P'
import base64, copy, json
from cryptography.hazmat.primitives.serialization import load_der_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey
bundle = json.load(open("bundle"))
boot = bundle["verificationMaterial"]["chioBoot"]
public = load_der_public_key(base64.b64decode(boot["attestationKey"]))
keyid = bundle["verificationMaterial"]["publicKey"]["hint"]
key = SSlibKey.from_crypto(public, keyid=keyid, scheme="ecdsa-sha2-nistp256")
Envelope.from_dict(copy.deepcopy(bundle["dsseEnvelope"])).verify([key], 1)
forged = copy.deepcopy(bundle["dsseEnvelope"])
forged["payload"] = base64.b64encode(base64.b64decode(forged["payload"]).replace(b"born", b"bOrn")).decode()
try:
    Envelope.from_dict(forged).verify([key], 1)
except VerificationError:
    raise SystemExit(0)
raise SystemExit("a forged statement passes")
P
if has securesystemslib.dsse && has cryptography; then
  check "securesystemslib verifies the bundle's DSSE envelope" "$python" dsse.py
else
  skip "the DSSE envelope by another library" "securesystemslib is not here"
fi
plan
