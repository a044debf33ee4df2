#!/bin/sh
# openssl genpkey makes keys in a token that is named, and nowhere else.
. "$abs_top_srcdir/tests/support/tap.sh"
CHIO_LOG=debug under_chiod
. "$abs_top_srcdir/tests/module/provider.sh"
cd "$CHIO_TEST_DIR" || exit 99
configure "pin = 123456"
echo "a message" >message
openssl dgst -sha256 -binary -out hash message

# made NAME ALGORITHM PKEYOPT...: a key that signs, and whose file is a reference
made() {
  name=$1
  algorithm=$2
  shift 2
  openssl genpkey -propquery provider=chio -algorithm "$algorithm" "$@" -pkeyopt "uri:chio:token=test;object=$name" \
    -out "$name.pem" && grep -q 'BEGIN CHIO HSM KEY URI' "$name.pem" && ! grep -q 'PRIVATE KEY' "$name.pem"
}

signs() {
  openssl dgst -sha256 -sign "chio:token=test;object=$1;type=private" -out "$1.sig" message &&
    openssl pkey -pubin -in "chio:token=test;object=$1;type=public" -pubout -out "$1.pub" &&
    openssl dgst -sha256 -verify "$1.pub" -signature "$1.sig" message
}

signs_whole() {
  openssl pkeyutl -sign -rawin -inkey "$1.pem" -in hash -out "$1.sig" &&
    openssl pkeyutl -verify -rawin -inkey "$1.pem" -in hash -sigfile "$1.sig"
}

# refused WORDS COMMAND...: fails, and says so on the error stack
refused() {
  words=$1
  shift
  if "$@" >out 2>&1; then return 1; fi
  cat out
  grep -q "$words" out
}

generate() {
  openssl genpkey -propquery provider=chio "$@" -out refused.pem
}

key_pairs() {
  grep -c 'key_pair' "$CHIOD_LOG"
}

check "EC without a group is P-256" made ec EC
check "it signs" signs ec
is "it is on P-256" 1 "$(openssl pkey -pubin -in ec.pub -noout -text_pub | grep -c 'NIST CURVE: P-256')"
check "P-384, by its OpenSSL name" made p384 EC -pkeyopt ec_paramgen_curve:secp384r1
check "it signs" signs p384
check "P-521, by NIST's name" made p521 EC -pkeyopt group:P-521
check "it signs" signs p521
check "RSA, 2048 bits when nothing is said" made rsa RSA
check "it signs" signs rsa
check "RSA, 3072 bits" made rsa3 RSA -pkeyopt bits:3072
contains "it has 3072" "(3072 bit" "$(openssl pkey -in rsa3.pem -noout -text_pub)"
check "RSA-PSS" made pss RSA-PSS
check "it signs with PSS" signs pss
check "Ed25519" made ed ED25519
check "it signs by the reference in its file" signs_whole ed
check "the key has its evidence" sh -c 'chio-hsm key list --token test | grep -q "^ec .*P-256 .*born"'

before=$(key_pairs)
check "a name that is taken is refused" refused "of this name already" generate -algorithm EC -pkeyopt "uri:chio:token=test;object=ec"
check "without a place there is no key" refused "needs a place" generate -algorithm EC
check "nor without a name" refused "no object=" generate -algorithm EC -pkeyopt "uri:chio:token=test"
check "nor for a certificate's URI" refused "another type=" generate -algorithm EC -pkeyopt "uri:chio:token=test;object=x;type=cert"
check "nor in a token that is not there" refused "0 tokens match" generate -algorithm EC -pkeyopt "uri:chio:token=none;object=x"
check "nor by a URI that is none" refused "malformed chio: URI" generate -algorithm EC -pkeyopt "uri:pkcs11:token=test;object=x"
check "a curve that is not made is refused" refused "no such curve" \
  generate -algorithm EC -pkeyopt group:secp256k1 -pkeyopt "uri:chio:token=test;object=x"
check "so is a size" refused "no such curve or size" generate -algorithm RSA -pkeyopt bits:1024 -pkeyopt "uri:chio:token=test;object=x"
check "and another exponent" refused "65537" generate -algorithm RSA -pkeyopt rsa_keygen_pubexp:3 -pkeyopt "uri:chio:token=test;object=x"
is "none of these asked the signer for a key" "$before" "$(key_pairs)"
check "a plain genpkey is OpenSSL's own business" openssl genpkey -algorithm EC -pkeyopt group:P-256 -out plain.pem
is "and makes a plain key" 1 "$(grep -c 'BEGIN PRIVATE KEY' plain.pem)"
is "of which the signer knows nothing" "$before" "$(key_pairs)"
# ---- At the same moment ----
i=0
while [ $i -lt 8 ]; do
  { made race RSA >race.$i 2>&1; echo $? >race.$i.status; } &
  i=$((i + 1))
done
wait
is "of eight that ask for one name at once one makes the key" 1 "$(cat race.*.status | grep -c '^0$')"
is "the others are told that there is one" 7 "$(grep -l 'has a key of this name already' race.[0-7] | wc -l)"
is "so that there is one" 1 "$(chio-hsm key list | grep -c '^race ')"
plan
