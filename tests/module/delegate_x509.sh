#!/bin/sh
# The X.509 part of a delegation under other people's rules: path length, name constraints, key usage, short life, what p11tool
# finds, and an end by not renewing.
. "$abs_top_srcdir/tests/support/tap.sh"
for tool in openssl p11tool certtool pkcs11-tool python3; do
  command -v $tool >/dev/null 2>&1 || skip_all "$tool is not here (Debian: openssl, gnutls-bin, opensc)"
done
under_chiod
cd "$CHIO_TEST_DIR" || exit 99
umask 077
printf 123456 >pin
CHIO_PIN_SOURCE=$CHIO_TEST_DIR/pin
export CHIO_PIN_SOURCE
root=$CHIO_STATE/sim/tdx-root.pem
ossl() {
  OPENSSL_CONF=/dev/null openssl "$@"
}
split() { # CHAIN PREFIX: PREFIX.0 is the leaf
  awk -v p="$2" '/BEGIN CERT/ { f = p "." n++ } f { print > f } /END CERT/ { f = "" }' n=0 "$1"
}

chio-hsm key generate web >/dev/null
chio-hsm key generate issuer --type p384 >/dev/null
chio-hsm attest web -o web.evidence
chio-hsm policy init --from web.evidence --root "$root" -o policy.toml
check "an issuer vouches for a day" chio-hsm delegate --issuer issuer --key web --policy policy.toml --days 1 \
  --subject web.example -o chain.pem
split chain.pem cert
for part in 0 1; do ossl x509 -in cert.$part -noout -text >text.$part; done

contains "the issuer's certificate is a CA's, for leaves alone" "CA:TRUE, pathlen:0" "$(cat text.1)"
contains "and its key is for certificates" "Certificate Sign" "$(cat text.1)"
contains "the leaf is no CA" "CA:FALSE" "$(cat text.0)"
contains "its key signs" "Digital Signature" "$(cat text.0)"
lacks "but no certificates" "Certificate Sign" "$(cat text.0)"
check "openssl accepts it by the letter" ossl verify -x509_strict -CAfile cert.1 cert.0
check "and for a purpose" ossl verify -x509_strict -purpose any -CAfile cert.1 cert.0
check "gnutls reads the issuer's certificate" certtool -i --infile cert.1
refute "after its day it has ended" ossl verify -x509_strict -attime "$(($(date +%s) + 90000))" -CAfile cert.1 cert.0
refute "under another issuer it is nothing" ossl verify -x509_strict -CAfile "$root" cert.0

# A key that is vouched for vouches for nobody: pathlen 0, and a leaf that is no CA.
ossl ecparam -name prime256v1 -genkey -noout -out stranger.key
ossl req -new -key stranger.key -subj /CN=stranger -out stranger.csr 2>/dev/null
printf 'basicConstraints=CA:FALSE\n' >leaf.ext
openssl x509 -req -in stranger.csr -CA cert.0 -CAkey "chio:object=web?pin-source=file:$CHIO_TEST_DIR/pin" -CAcreateserial \
  -days 1 -extfile leaf.ext -out stranger.pem 2>stranger.err
check "the key can be made to sign a certificate" test -s stranger.pem
refute "but openssl follows no chain through it" ossl verify -CAfile cert.1 -untrusted cert.0 stranger.pem
cat stranger.pem cert.0 cert.1 >long.pem
refute "nor does chio-hsm" chio-hsm verify long.pem --issuer cert.1

# The issuer's own certificate by somebody else's CA, which narrows it: the same key and name, so the same delegation.
ossl ecparam -name prime256v1 -genkey -noout -out ca.key
ossl req -x509 -new -key ca.key -subj "/CN=Company CA" -days 10 -addext basicConstraints=critical,CA:TRUE,pathlen:1 \
  -addext keyUsage=critical,keyCertSign -out ca.pem 2>/dev/null
subject_key=$(sed -n '/Subject Key Identifier/{n;s/ //g;p;}' text.1)
chio-hsm export-pub issuer -o issuer.pub
ossl req -new -key ca.key -subj "/CN=issuer" -out issuer.csr 2>/dev/null
narrow() { # NAME CONSTRAINT: the issuer's public key, certified by the company's CA
  {
    echo 'basicConstraints=critical,CA:TRUE,pathlen:0'
    echo 'keyUsage=critical,keyCertSign'
    echo "subjectKeyIdentifier=$subject_key"
    echo 'authorityKeyIdentifier=keyid'
    [ -z "$2" ] || echo "nameConstraints=critical,$2"
  } >"$1.ext"
  ossl x509 -req -in issuer.csr -force_pubkey issuer.pub -CA ca.pem -CAkey ca.key -CAcreateserial -days 5 -extfile "$1.ext" \
    -out "$1.pem" 2>/dev/null
}
narrow wide ''
narrow inside 'permitted;DNS:example'
narrow outside 'permitted;DNS:elsewhere'
check "a company's CA certifies the issuer" ossl verify -x509_strict -CAfile ca.pem -untrusted wide.pem cert.0
check "chio-hsm follows that too" chio-hsm verify cert.0 --issuer wide.pem
check "a name inside of the constraints is good" ossl verify -x509_strict -CAfile ca.pem -untrusted inside.pem cert.0
contains "one outside of them is not" "permitted subtree violation" \
  "$(ossl verify -x509_strict -CAfile ca.pem -untrusted outside.pem cert.0 2>&1)"
refute "chio-hsm does not judge name constraints, and accepts no issuer that has them" \
  chio-hsm verify cert.0 --issuer outside.pem

# In the token it takes the place of the one that the issuer signed itself, for as long as it lasts.
tool() {
  pkcs11-tool --module "$CHIO_PKCS11_MODULE" --login --pin 123456 "$@" 2>&1
}
tool --delete-object --type cert --label issuer >/dev/null
tool --delete-object --type cert --label issuer >/dev/null
ossl x509 -in wide.pem -outform DER -out wide.der
issuer_id=$(chio-hsm key list --json | python3 -c 'import json, sys
print([k["id"] for k in json.load(sys.stdin) if k["label"] == "issuer"][0])')
check "the company's certificate is put beside the issuer" tool --write-object wide.der --type cert --label company --id "$issuer_id"
check "the issuer vouches under it" chio-hsm delegate --issuer issuer --key web --policy policy.toml --days 3 \
  --subject web.example -o company.pem
split company.pem under
check "it is in the chain" cmp under.1 wide.pem
check "which leads to the company" ossl verify -x509_strict -CAfile ca.pem -untrusted under.1 under.0
contains "nothing is issued that would outlive it" "renew it, or delegate for fewer days" \
  "$(chio-hsm delegate --issuer issuer --key web --policy policy.toml --days 6 -o no.pem 2>&1)"
check "nor is a certificate of the issuer's own put in its place" \
  chio-hsm delegate --issuer issuer --key web --policy policy.toml --days 1 --subject web.example -o company.pem
split company.pem under
check "which is still the company's" cmp under.1 wide.pem

# One that is vouched for and vouches for another keeps both certificates.
chio-hsm key generate middle >/dev/null
chio-hsm delegate --issuer issuer --key middle --policy policy.toml --days 1 -o middle.pem >/dev/null
chio-hsm delegate --issuer middle --key web --policy policy.toml --days 1 -o first.pem >/dev/null
chio-hsm delegate --issuer issuer --key middle --policy policy.toml --days 1 -o middle.pem >/dev/null
chio-hsm delegate --issuer middle --key web --policy policy.toml --days 1 -o second.pem >/dev/null
split first.pem first
split second.pem second
check "being vouched for anew changes nothing in what it vouches by" cmp first.1 second.1
chio-hsm attest middle --format delegation -o now.pem >/dev/null
check "nor the other way round" cmp middle.pem now.pem
chio-hsm delegate --issuer issuer --key web --policy policy.toml --days 1 -o company.pem >/dev/null

# As objects of the token.
p11() {
  p11tool --provider "$CHIO_PKCS11_MODULE" "$@" 2>&1
}
listed=$(p11 --list-all-certs 'pkcs11:token=test')
contains "p11tool finds the leaf by the key's name" "object=web" "$listed"
is "that of the issuer, by the name that it was given" 1 "$(printf '%s\n' "$listed" | grep -c 'object=company')"
is "three of the key in the middle: of its birth, as an issuer, and the delegation" 3 "$(printf '%s\n' "$listed" |
  grep -c 'object=middle')"
is "two of the key: of its birth, and the delegation" 2 "$(printf '%s\n' "$listed" | grep -c 'object=web')"

# Revocation is an end of renewal: with the key the order goes, and the certificate ends by itself within its days.
check "the key is destroyed" chio-hsm key destroy web --yes
refute "nobody vouches for it any more" chio-hsm delegate --issuer issuer --key web --policy policy.toml --days 1
check "what was issued is good until its end" ossl verify -x509_strict -CAfile cert.1 cert.0
refute "and not beyond" ossl verify -x509_strict -attime "$(($(date +%s) + 90000))" -CAfile cert.1 cert.0
plan
