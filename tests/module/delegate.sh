#!/bin/sh
# An issuer vouches for a key whose evidence passed a policy: the chain under chio-hsm verify and openssl verify, offline,
# up to a file that the key signed; and sign, with and without canonical JSON.
. "$abs_top_srcdir/tests/support/tap.sh"
need openssl python3 pkcs11-tool
under_chiod
enter_token
platform=${CHIO_TEST_PLATFORM:-sim-tdx}
root=$CHIO_STATE/sim/${platform#sim-}-root.pem
ossl() {
  OPENSSL_CONF=/dev/null openssl "$@"
}
# The certificates of a chain, one file each: PREFIX.0 is the leaf.
split() {
  awk -v p="$2" '/BEGIN CERT/ { f = p "." n++ } f { print > f } /END CERT/ { f = "" }' n=0 "$1"
}
json() {
  python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$1" "$2"
}

check "a key is made" chio-hsm key generate web
check "its evidence is written" chio-hsm attest web -o web.evidence
check "a policy is drafted" chio-hsm policy init --from web.evidence --root "$root" -o policy.toml
printf 'what the key signs\n' >file
printf 'something else\n' >another
check "the file is signed by it" chio-hsm sign web file -o file.sig

for type in p256 p384 p521 ed25519 rsa2048 rsa2048-pss; do
  check "$type: an issuer is made" chio-hsm key generate "issuer-$type" --type $type
  check "$type: its public key is exported" chio-hsm export-pub "issuer-$type" -o issuer.pub
  check "$type: it vouches for the key" \
    chio-hsm delegate --issuer "issuer-$type" --key web --policy policy.toml --days 7 -o chain.pem
  rm -f cert.*
  split chain.pem cert
  check "$type: openssl accepts the certificate" \
    ossl verify -x509_strict -CAfile cert.1 cert.0
  check "$type: the chain is followed from the issuer's certificate to the file" \
    chio-hsm verify chain.pem --issuer cert.1 --file file --signature file.sig
  check "$type: and from its public key" \
    chio-hsm verify chain.pem --issuer issuer.pub --file file --signature file.sig
  check "$type: the leaf alone is enough for that" chio-hsm verify cert.0 --issuer issuer.pub
  refute "$type: another file was not signed" \
    chio-hsm verify chain.pem --issuer cert.1 --file another --signature file.sig
done

check "the evidence in the certificate passes the policy, once more" \
  chio-hsm verify chain.pem --issuer cert.1 --policy policy.toml --file file --signature file.sig
chio-hsm verify chain.pem --issuer cert.1 --policy policy.toml --file file --signature file.sig --json >verdict.json
is "the key's name is in it" web "$(json verdict.json key)"
is "its evidence was judged" True "$(json verdict.json evidence_judged)"
is "the file was signed" True "$(json verdict.json file_signed)"
contains "the certificate is for signing alone" "Digital Signature" "$(ossl x509 -in cert.0 -noout -text)"
is "its common name is the key's label" "subject=CN=web" "$(ossl x509 -in cert.0 -noout -subject -nameopt RFC2253)"
check "it ends within the days that were asked for" ossl x509 -in cert.0 -noout -checkend 601200
refute "and no later" ossl x509 -in cert.0 -noout -checkend 605100
refute "after its end it is refused" chio-hsm verify chain.pem --issuer cert.1 --at 2099-01-01T00:00:00Z
refute "before its beginning too" chio-hsm verify chain.pem --issuer cert.1 --at 2020-01-01T00:00:00Z
chio-hsm export-pub issuer-p256 -o other.pub
refute "another issuer did not vouch" chio-hsm verify chain.pem --issuer other.pub
ossl x509 -in cert.0 -outform DER -out leaf.der
python3 - <<'P'
data = bytearray(open("leaf.der", "rb").read())
data[40] ^= 1
import base64
open("bent.pem", "w").write("-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n" % base64.b64encode(data).decode())
P
refute "a changed certificate is refused" chio-hsm verify bent.pem --issuer cert.1
refute "an issuer's certificate is no delegation" chio-hsm verify cert.1 --issuer cert.1
refute "a signature without its file is no question" chio-hsm verify chain.pem --issuer cert.1 --signature file.sig
chio-hsm export-pub web -o web.pub
check "it may be asked for the key" chio-hsm verify chain.pem --issuer cert.1 --key web.pub
contains "and of another key it is none" "vouches for another key" \
  "$(chio-hsm verify chain.pem --issuer cert.1 --key other.pub 2>&1)"
for option in "--nonce aa" "--format ear" "--print-key" "--binding tee-v1"; do
  # shellcheck disable=SC2086
  refute "an option that a chain does not answer to is refused: $option" chio-hsm verify chain.pem --issuer cert.1 $option
done

# ---- The chain as it stands with the key, and when it ends ----
check "the chain is written as it stands with the key" chio-hsm attest web --format delegation -o again.pem
check "it is the one that was made" cmp chain.pem again.pem
contains "and how it is checked is said" "verify again.pem --issuer" "$(chio-hsm attest web --format delegation -o again.pem)"
refute "a key that nobody vouches for has none" chio-hsm attest issuer-p521 --format delegation -o none.pem
refute "it answers no nonce" chio-hsm attest web --format delegation --nonce aa -o none.pem
later() {
  date -u -d "@$(($(date +%s) + $1 * 86400))" +%Y-%m-%dT%H:%M:%SZ
}
contains "doctor says that it is good" "issuers vouch for 1 keys for a while" "$(chio-hsm doctor --root "$root")"
contains "that it was not renewed, when it should have been" "not renewed in time" \
  "$(chio-hsm doctor --root "$root" --at "$(later 5)")"
contains "and that it has ended" "nobody vouches for 1 keys any more" "$(chio-hsm doctor --root "$root" --at "$(later 8)")"

check "the certificate stands beside the key" sh -c \
  'pkcs11-tool --module "$CHIO_PKCS11_MODULE" --list-objects --type cert | grep -q web'
check "a name can be given" chio-hsm delegate --issuer issuer-p256 --key web --policy policy.toml --days 1 \
  --subject ci.example -o named.pem
contains "it is in the certificate" ci.example "$(ossl x509 -in named.pem -noout -subject)"
chio-hsm delegate --issuer issuer-p256 --key web --policy policy.toml --days 1 --json >delegation.json
contains "Chio's link names the delegator" "p256:04" "$(json delegation.json link)"

sed 's/^measurements = .*/measurements = ["'"$(printf '0%.0s' $(seq 96))"'"]/' policy.toml >wrong.toml
refute "a key whose evidence does not pass gets no certificate" \
  chio-hsm delegate --issuer issuer-p256 --key web --policy wrong.toml --days 7 -o no.pem
check "and nothing was written" test ! -e no.pem
serial=$(chio-hsm token list --json | tr '{' '\n' | sed -n 's/.*"serial": *"\([0-9a-f]*\)".*/\1/p' | head -n 1)
{ cat policy.toml; grep -q '^\[key\]' policy.toml || echo '[key]'; } >own.toml
sed -i "s/^\[key\]\$/&\ntokens = [\"$serial\"]/" own.toml
check "a key of the token that the policy binds is vouched for" \
  chio-hsm delegate --issuer issuer-p256 --key web --policy own.toml --days 1 -o own.pem
sed "s/^tokens = .*/tokens = [\"0000000000000000\"]/" own.toml >tenant.toml
contains "one of another's token is not" "token_serial" \
  "$(chio-hsm delegate --issuer issuer-p256 --key web --policy tenant.toml --days 1 -o no.pem 2>&1)"
contains "a key does not vouch for itself" "does not vouch for itself" \
  "$(chio-hsm delegate --issuer web --key web --policy policy.toml --days 1 -o no.pem 2>&1)"
for len in 65 300; do
  contains "a name of $len characters is refused" "64 characters" \
    "$(chio-hsm delegate --issuer issuer-p256 --key web --policy policy.toml --days 1 -o no.pem \
      --subject "$(printf "%0${len}d" 0)" 2>&1)"
done
refute "days are 1 to 397" chio-hsm delegate --issuer issuer-p256 --key web --policy policy.toml --days 398
refute "an issuer must be named" chio-hsm delegate --key web --policy policy.toml --days 7

# ---- The contract of a signing backend: algorithm, public key, signature over the bytes ----
check "an Ed25519 key is made" chio-hsm key generate kernel --type ed25519
printf '{ "b" : [1.0, 1e21], "a": "\\u20ac" }' >free.json
printf '{"a":"\342\202\254","b":[1,1e+21]}' >canonical.json
chio-hsm sign kernel free.json --canonical-json -o free.sig
chio-hsm sign kernel canonical.json -o canonical.sig
check "JSON is signed in its canonical form" cmp free.sig canonical.sig
chio-hsm sign kernel canonical.json --json >outcome.json
is "the algorithm is told" ed25519 "$(json outcome.json algorithm)"
is "the signature in hexadecimal" "$(od -An -tx1 canonical.sig | tr -d ' \n')" "$(json outcome.json signature)"
chio-hsm export-pub kernel -o kernel.pem
is "the public key" "$(ossl pkey -pubin -in kernel.pem -outform DER | tail -c 32 | od -An -tx1 | tr -d ' \n')" \
  "$(json outcome.json public_key)"
check "openssl verifies it" ossl pkeyutl -verify -pubin -inkey kernel.pem -rawin -in canonical.json -sigfile canonical.sig
chio-hsm sign web canonical.json --json >outcome.json
contains "a P-256 key says so in its strings" "p256:04" "$(json outcome.json public_key)"
contains "and in its signatures" "p256:30" "$(json outcome.json signature)"

# ---- RSA: PKCS #1, and PSS where it is asked for or all that the key allows ----
pss() { # PUBLIC-KEY SIGNATURE FILE
  ossl dgst -sha256 -verify "$1" -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest -signature "$2" "$3"
}
chio-hsm key generate either --type rsa2048 >/dev/null
chio-hsm export-pub either -o either.pub
chio-hsm export-pub issuer-rsa2048-pss -o restricted.pub
check "an RSA key signs by PKCS #1" chio-hsm sign either file -o either.sig
check "which openssl verifies" ossl dgst -sha256 -verify either.pub -signature either.sig file
check "and by PSS where that is asked for" chio-hsm sign either file --pss -o either.sig
check "which openssl verifies, with a salt as long as the hash" pss either.pub either.sig file
check "a key that allows PSS alone needs no word on it" chio-hsm sign issuer-rsa2048-pss file -o restricted.sig
check "which openssl verifies too" pss restricted.pub restricted.sig file
mkdir batch
check "so it is with several files" chio-hsm sign issuer-rsa2048-pss file another -o batch
check "each of which openssl verifies" pss restricted.pub batch/another.sig another
check "a key that signs by PSS is vouched for" chio-hsm delegate --issuer issuer-p256 --key issuer-rsa2048-pss \
  --policy policy.toml --days 1 -o restricted.pem
chio-hsm export-pub issuer-p256 -o p256.pub
check "and followed to what it signed" \
  chio-hsm verify restricted.pem --issuer p256.pub --file file --signature restricted.sig
refute "but not to what it did not sign" \
  chio-hsm verify restricted.pem --issuer p256.pub --file another --signature restricted.sig
refute "PSS is for RSA keys alone" chio-hsm sign web file --pss -o no.sig

printf '{"a":1,"a":2}' >double.json
refute "JSON without a canonical form is not signed" chio-hsm sign kernel double.json --canonical-json -o no.sig
plan
