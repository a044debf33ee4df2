#!/bin/sh
# A quote in the form of Chio's own verifier over a key of the token: made, judged, and refused where something differs.
# The platform is CHIO_TEST_PLATFORM's: attest_chio_snp.sh sets it.
. "$abs_top_srcdir/tests/support/tap.sh"
need openssl xxd
under_chiod
enter_token
platform=${CHIO_TEST_PLATFORM:-sim-tdx}
root=$CHIO_STATE/sim/${platform#sim-}-root.pem
receipt_root=0808080808080808080808080808080808080808080808080808080808080808
genesis=0000000000000000000000000000000000000000000000000000000000000000

judge() {
  chio-hsm verify quote --root "$root" --collateral chain.pem --binding chio-v1 "$@"
}

for type in ed25519 p256 p384; do
  check "$type: a key is made" chio-hsm key generate "k-$type" --type $type
  check "$type: its public key is exported" chio-hsm export-pub "k-$type" -o $type.pem
  check "$type: a quote is made" chio-hsm attest "k-$type" --format chio --sim-state "$CHIO_STATE" \
    --receipt-root $receipt_root --chain chain.pem -o quote
  check "$type: it binds key and receipt root" judge --key $type.pem --receipt-root $receipt_root
  refute "$type: not another receipt root" judge --key $type.pem --receipt-root $genesis
done
refute "another key is refused" judge --key p256.pem --receipt-root $receipt_root
refute "no quote holds where nobody names the root" \
  chio-hsm verify quote --collateral chain.pem --binding chio-v1 --key p384.pem --receipt-root $receipt_root
contains "what it is, is said" "$platform" "$(judge --key p384.pem --receipt-root $receipt_root --json)"
case $platform in
  sim-tdx)
    is "it has the length of Chio's TDX form" 700 "$(wc -c <quote | tr -d ' ')"
    is "and the length of its signature" 40000000 "$(xxd -s 632 -l 4 -p quote)" ;;
  sim-snp)
    is "it has the length of Chio's SNP form" 864 "$(wc -c <quote | tr -d ' ')"
    is "and the length of its signature" 60000000 "$(xxd -s 764 -l 4 -p quote)" ;;
esac
is "the chain has three certificates" 3 "$(grep -c BEGIN chain.pem)"
check "the genesis is the receipt root where none is given" \
  chio-hsm attest k-p256 --format chio --sim-state "$CHIO_STATE" -o quote
check "and bound" judge --key p256.pem --receipt-root $genesis

check "a key of RSA is made" chio-hsm key generate k-rsa --type rsa2048
refute "for which Chio has no form" chio-hsm attest k-rsa --format chio --sim-state "$CHIO_STATE" -o rsa.quote
mkdir empty
refute "no root is made for the occasion" chio-hsm attest k-p256 --format chio --sim-state empty -o empty.quote
is "nothing was made" "" "$(ls empty)"
refute "the state folder must be named" chio-hsm attest k-p256 --format chio -o none.quote
refute "a nonce has no place" chio-hsm attest k-p256 --format chio --sim-state "$CHIO_STATE" --nonce 00 -o none.quote
refute "there is no third format" chio-hsm attest k-p256 --format other -o none.quote
refute "a bundle has no receipt root" chio-hsm attest k-p256 --receipt-root $genesis -o none.quote
plan
