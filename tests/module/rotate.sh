#!/bin/sh
# Keys rotated by chio-hsm while OpenSSL and GnuTLS go by labels and URIs.
. "$abs_top_srcdir/tests/support/tap.sh"
need openssl python3
under_chiod
enter_token
ossl() {
  OPENSSL_CONF=/dev/null openssl "$@"
}
# Of the last --json answer: an expression of j.
json() {
  python3 -c 'import json, sys; j = json.load(open("out.json")); print(eval(sys.argv[1]))' "$1"
}
sign_by_label() { # OUTPUT: through chio.so, by the label alone
  openssl pkeyutl -sign -rawin -digest sha256 -in file -out "$1" \
    -inkey "chio:token=test;object=web;type=private?pin-source=file:$CHIO_TEST_DIR/pin"
}
verifies() { # PUBLIC SIGNATURE
  ossl dgst -sha256 -verify "$1" -signature "$2" file
}

printf 'what is signed\n' >file
check "a key is made" chio-hsm key generate web --role receipts
chio-hsm key list --login --json >out.json
old=$(json 'j[0]["private_unique_id"]')
chio-hsm export-pub web -o old.pub
check "OpenSSL signs by its label" sign_by_label old.sig

check "it is rotated" chio-hsm key rotate web
check "OpenSSL goes on signing by the label" sign_by_label new.sig
chio-hsm export-pub web -o new.pub
check "with the new key" verifies new.pub new.sig
refute "which is another" verifies old.pub new.sig
check "what the old one signed goes on being verified" verifies old.pub old.sig
chio-hsm key list --login --json >out.json
is "there are two keys" 2 "$(json 'len(j)')"
is "one is active and has the label" "['web']" "$(json '[k["label"] for k in j if k["state"] == "active"]')"
is "the other is retired, and its label says since when" True \
  "$(json '[k["label"] for k in j if k["state"] == "retired"][0].startswith("web.until-2")')"
is "the new one has the role" receipts "$(json '[k["role"] for k in j if k["label"] == "web"][0]')"
is "the old one names the new one" "$(json '[k["private_unique_id"] for k in j if k["state"] == "active"]')" \
  "$(json '[k["successor"] for k in j if k["state"] == "retired"]')"
is "and the new one the old one" "['$old']" "$(json '[k["predecessor"] for k in j if k["state"] == "active"]')"
refute "the old one signs nothing" chio-hsm sign "$old" file

check "asked again by the label, nothing happens" chio-hsm key rotate web
chio-hsm key rotate "$old" --json >out.json
is "asked again by the old key's unique id, it says what took its place" True "$(json 'j["before"]')"
chio-hsm key list --json >out.json
is "there are still two" 2 "$(json 'len(j)')"
chio-hsm key rotate web --yes --overlap --json >out.json
is "--yes rotates again" False "$(json 'j["before"]')"
overlapping=$(json 'j["old"]')
check "with --overlap the old one signs on" chio-hsm sign "$overlapping" file
check "until it is retired" chio-hsm key retire "$overlapping" --yes
refute "then it does not" chio-hsm sign "$overlapping" file

chio-hsm key generate id --id 0a0b >/dev/null
chio-hsm key rotate id --same-id --json >out.json
is "--same-id hands the id over" 0a0b "$(json 'j["key"]["id"]')"
check "and by it the new key signs" chio-hsm sign 0a0b file

if command -v p11tool >/dev/null 2>&1; then
  p11tool --provider "$CHIO_PKCS11_MODULE" --list-all 'pkcs11:token=test;object=web' >p11.out 2>&1
  is "p11tool sees one certificate of that label" 1 "$(grep -c 'Type: X.509' p11.out)"
  is "and one public key" 1 "$(grep -c 'Type: Public key' p11.out)"
else
  skip "p11tool sees one certificate of that label" "p11tool is not here"
fi

# ---- Delegation ----
chio-hsm key generate issuer >/dev/null
chio-hsm attest web -o web.evidence
check "a policy is drafted" chio-hsm policy init --from web.evidence --root "$CHIO_STATE/sim/tdx-root.pem" -o policy.toml
check "an issuer vouches for the key" \
  chio-hsm delegate --issuer issuer --key web --policy policy.toml --days 7 -o chain.pem
chio-hsm export-pub issuer -o issuer.pub
chio-hsm key rotate web --yes --json >out.json
is "it vouches for its heir too" True "$(json 'j["delegated_until"] > 0')"
check "a suspended issuer vouches for none" chio-hsm key suspend issuer
refute "and then nothing is rotated" chio-hsm key rotate web --yes
check "unless that can wait" chio-hsm key rotate web --yes --delegate-later
chio-hsm key resume issuer >/dev/null
heir_has_a_chain() {
  chio-hsm doctor >/dev/null 2>&1
  grep -q '"delegation.renewed"\|delegation.renewed\|a delegation was renewed' "$CHIOD_LOG"
}
tries=0
until heir_has_a_chain || [ $tries -ge 200 ]; do tries=$((tries + 1)); sleep 0.2; done
check "it comes when the issuer is back" heir_has_a_chain
check "a new issuer is named on the way" chio-hsm key rotate web --yes --delegate-later --issuer issuer --policy policy.toml \
  --days 3 -o chain.pem
check "and its chain is followed" chio-hsm verify chain.pem --issuer issuer.pub
refute "an issuer without a policy is refused before anything happens" chio-hsm key rotate web --yes --issuer issuer

check "the log names the rotation" grep -q 'key.rotated\|a key was rotated' "$CHIOD_LOG"
# ---- While others use it ----
chio-hsm key generate busy >/dev/null || exit 99
{ chio-hsm key rotate busy && chio-hsm key rotate busy; } >busy.rotated 2>&1 &
i=0
while [ $i -lt 20 ]; do
  { chio-hsm attest busy --nonce 00 -o busy.$i >busy.$i.out 2>&1; echo $? >busy.$i.status; } &
  i=$((i + 1))
done
wait
is "evidence that is asked for by the label while the key is rotated twice is given each time" 20 \
  "$(cat busy.*.status | grep -c '^0$')"
is "no name was two keys'" "" "$(cat busy.*.out | grep 'is 2 keys')"
plan
