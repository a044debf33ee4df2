#!/bin/sh
# The raw quote of a bundle by itself: verify --binding judges whether its report data binds the attestation key.
. "$abs_top_srcdir/tests/support/tap.sh"
need openssl python3
under_chiod
enter_token
root=$CHIO_STATE/sim/tdx-root.pem
manifest=

judge() {
  chio-hsm verify quote --root "$root" --binding chio-hsm-boot-v1 "$@"
}

check "a key is made" chio-hsm key generate web
check "its public key is exported" chio-hsm export-pub web -o web.pem
check "its evidence is read over a nonce" chio-hsm attest web --nonce 0011 -o bundle
python3 - >manifest <<'P'
import base64, json
boot = json.load(open("bundle"))["verificationMaterial"]["chioBoot"]
open("quote", "wb").write(base64.b64decode(boot["quote"]))
open("ak.der", "wb").write(base64.b64decode(boot["attestationKey"]))
print(boot["manifestSha256"])
P
read -r manifest <manifest
check "the attestation key becomes PEM" openssl pkey -pubin -inform DER -in ak.der -out ak.pem
check "the quote binds it" judge --key ak.pem --manifest "$manifest" --nonce 0011
contains "and the key is proved" '"key"' "$(judge --key ak.pem --manifest "$manifest" --nonce 0011 --json)"
contains "and the nonce" '"nonce"' "$(judge --key ak.pem --manifest "$manifest" --nonce 0011 --json)"
refute "another key is refused" judge --key web.pem --manifest "$manifest" --nonce 0011
refute "another nonce is refused" judge --key ak.pem --manifest "$manifest" --nonce 0012
refute "no nonce is refused" judge --key ak.pem --manifest "$manifest"
refute "a missing part is refused" judge --key ak.pem --nonce 0011
refute "a part that the profile does not bind is refused" \
  judge --key ak.pem --manifest "$manifest" --nonce 0011 --workload-hash 00
contains "and named" "does not bind a workload hash" \
  "$(judge --key ak.pem --manifest "$manifest" --nonce 0011 --workload-hash 00 2>&1)"
refute "a profile that is none is refused" chio-hsm verify quote --root "$root" --binding boot --key ak.pem
refute "a part without a profile is refused" chio-hsm verify quote --root "$root" --manifest "$manifest"
refute "bytes that are not hex are refused" judge --key ak.pem --manifest xyz --nonce 0011
refute "a private key that is not there is refused" judge --key ak.pem --manifest "$manifest" --private-key none
refute "no profile applies to a bundle" \
  chio-hsm verify bundle --root "$root" --binding chio-hsm-boot-v1 --key ak.pem --manifest "$manifest" --nonce 0011
plan
