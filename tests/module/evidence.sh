#!/bin/sh
# Where a key was born, as a stranger reads it: the evidence by attribute, certificate, data object and fresh over a
# nonce; each accepted against the root of the simulated platform, and each refused after one changed bit in any part.
# The platform is CHIO_TEST_PLATFORM's: evidence_snp.sh and its like set it.
. "$abs_top_srcdir/tests/support/tap.sh"
need openssl p11tool pkcs11-tool python3
under_chiod
enter_token
platform=${CHIO_TEST_PLATFORM:-sim-tdx}
root=$CHIO_STATE/sim/${platform#sim-}-root.pem

check "a key is made" chio-hsm key generate web
check "its public key is exported" chio-hsm export-pub web -o web.pem
check "another key is made" chio-hsm key generate other
check "the other public key is exported" chio-hsm export-pub other -o other.pem

OPENSSL_CONF=/dev/null openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -keyout /dev/null -days 30 \
  -subj "$(OPENSSL_CONF=/dev/null openssl x509 -in "$root" -noout -subject -nameopt compat | sed 's/^subject=//')" \
  -out other-root.pem 2>/dev/null
is "another root has the same name" "$(OPENSSL_CONF=/dev/null openssl x509 -in "$root" -noout -subject)" \
  "$(OPENSSL_CONF=/dev/null openssl x509 -in other-root.pem -noout -subject)"

check "the attribute is read" chio-hsm attest web -o attribute.evidence
check "the certificate is read with p11tool" \
  p11tool --provider "$CHIO_PKCS11_MODULE" --export 'pkcs11:object=web;type=cert' --outfile certificate.evidence
check "the data object is read with pkcs11-tool" \
  pkcs11-tool --module "$CHIO_PKCS11_MODULE" --read-object --type data --label web --output-file data.evidence
check "fresh evidence is made over a nonce" chio-hsm attest web --nonce 00112233445566778899 -o nonce.evidence
is "attribute and data object are the same bytes" "$(sha256sum <attribute.evidence)" "$(sha256sum <data.evidence)"

for way in attribute certificate data nonce; do
  check "$way: accepted for the key, against the named root" \
    chio-hsm verify $way.evidence --root "$root" --key web.pem
  refute "$way: refused for another key" chio-hsm verify $way.evidence --root "$root" --key other.pem
  refute "$way: refused where nobody names the root" chio-hsm verify $way.evidence --key web.pem
  refute "$way: refused under another root" chio-hsm verify $way.evidence --root other-root.pem --key web.pem
  chio-hsm verify $way.evidence --root "$root" --key web.pem --json >verdict.json
  is "$way: of the platform" "$platform" "$(python3 -c 'import json; print(json.load(open("verdict.json"))["tee"])')"
done
check "the nonce is found" chio-hsm verify nonce.evidence --root "$root" --nonce 00112233445566778899
refute "another nonce is not" chio-hsm verify nonce.evidence --root "$root" --nonce 00112233445566778898
refute "evidence of birth answers no nonce" \
  chio-hsm verify attribute.evidence --root "$root" --nonce 00112233445566778899

# One bit in the middle of each base64 or hexadecimal value of a bundle; the certificate's DER bit by bit in steps.
cat >flip.py <<'P'
import base64, json, sys
source, prefix = sys.argv[1:]
data = open(source, "rb").read()
count = 0
def put(body):
    global count
    open("%s.%d" % (prefix, count), "wb").write(body)
    count += 1
if data.startswith(b"-----BEGIN"):
    text = b"".join(l for l in data.splitlines() if not l.startswith(b"-----"))
    der = base64.b64decode(text)
    for at in range(8, len(der), len(der) // 24):
        bad = bytearray(der)
        bad[at] ^= 1
        put(b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(bytes(bad)) + b"-----END CERTIFICATE-----\n")
else:
    def walk(node, path):
        if isinstance(node, dict):
            for k, v in node.items(): walk(v, path + [k])
        elif isinstance(node, list):
            for i, v in enumerate(node): walk(v, path + [i])
        elif isinstance(node, str) and path[-1] in ("payload", "sig", "quote", "attestationKey", "manifestSha256"):
            if path[-1] == "manifestSha256":
                raw = bytearray(bytes.fromhex(node)); raw[len(raw) // 2] ^= 1; new = [raw.hex()]
            else:
                raw = base64.b64decode(node)
                new = []
                for at in (len(raw) // 4, len(raw) // 2):
                    bad = bytearray(raw); bad[at] ^= 1; new.append(base64.b64encode(bytes(bad)).decode())
            for value in new: put(data.replace(node.encode(), value.encode()))
        elif isinstance(node, str) and path[-1] == "certificates":
            for text in node.split("-----BEGIN CERTIFICATE-----\n")[1:]:
                old = text.split("-----END")[0]
                raw = base64.b64decode(old)
                for at in range(8, len(raw), len(raw) // 8):
                    bad = bytearray(raw); bad[at] ^= 1
                    new = base64.encodebytes(bytes(bad)).decode()
                    put(data.replace(json.dumps(old)[1:-1].encode(), json.dumps(new)[1:-1].encode()))
    walk(json.loads(data), [])
print(count)
P
for way in attribute certificate data nonce; do
  made=$(python3 flip.py $way.evidence $way.flipped)
  accepted=0
  i=0
  while [ "$i" -lt "${made:-0}" ]; do
    if chio-hsm verify "$way.flipped.$i" --root "$root" --key web.pem >out 2>&1; then
      accepted=$((accepted + 1))
      echo "# accepted: $way.flipped.$i"
    fi
    i=$((i + 1))
  done
  if [ "${made:-0}" -ge 9 ]; then pass "$way: $made changes of one bit were made"; else fail "$way: too few changes"; fi
  is "$way: none of them is accepted" 0 $accepted
done

# The attribute is that of birth: the same after chiod was restarted, although the running signer is another.
stop_chiod
check "chiod is started again" "$CHIO_START"
check "the attribute is read again" chio-hsm attest web -o after.evidence
is "it is the same to the byte" "$(sha256sum <attribute.evidence)" "$(sha256sum <after.evidence)"
check "fresh evidence comes from the new run" chio-hsm attest web --nonce 01 -o fresh.evidence
check "and is accepted" chio-hsm verify fresh.evidence --root "$root" --key web.pem --nonce 01
plan
