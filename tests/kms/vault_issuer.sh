#!/bin/sh
# A key in a real Vault vouches for a key that was born in the signer, which signs a file: followed offline, from the
# issuer's public key to the file, and for the X.509 part by openssl.
. "$abs_top_srcdir/tests/support/tap.sh"

if [ -z "${CHIO_TEST_DIR:-}" ]; then
  . "$abs_top_srcdir/tests/kms/use.sh"
  use_server vault
  adapter vault --endpoint "$CHIO_TEST_VAULT_ENDPOINT" --token-file "$CHIO_TEST_VAULT_TOKEN_FILE" create ec 384 issuer >/dev/null ||
    skip_all "Vault makes no keys"
  CHIO_TEST_CONFIG="[backend.vault]
endpoint = \"$CHIO_TEST_VAULT_ENDPOINT\"
token_file = \"$CHIO_TEST_VAULT_TOKEN_FILE\"
keys = [\"hashivault://issuer\"]"
  export CHIO_TEST_CONFIG
  "$abs_top_srcdir/tests/support/with-chiod" /bin/sh "$0"
  exit
fi

cd "$CHIO_TEST_DIR" || exit 99
printf 123456 >pin
export CHIO_PIN_SOURCE="$CHIO_TEST_DIR/pin"
printf 'a message\n' >file
printf 'another\n' >other
root=$CHIO_STATE/sim/tdx-root.pem

offline() {
  env -u CHIO_SIGNER -u OPENSSL_CONF chio-hsm verify chain.pem "$@"
}

# cert.0 is the leaf, cert.1 the issuer's.
split_chain() {
  awk '/BEGIN CERTIFICATE/ { n++ } { print >("cert." (n - 1)) }' chain.pem && [ -s cert.0 ] && [ -s cert.1 ]
}

check "a key is born in the signer" chio-hsm key generate web --token test
check "its evidence is written" chio-hsm attest web --token test -o web.evidence
check "a policy is drafted" chio-hsm policy init --from web.evidence --root "$root" -o policy.toml
check "the issuer's public key is published" chio-hsm export-pub issuer --token vault -o issuer.pub
check "Vault's key vouches for it" chio-hsm delegate --issuer "chio:token=vault;object=issuer" --key web --token test \
  --policy policy.toml --days 7 -o chain.pem
check "the born key signs a file" chio-hsm sign web file --token test -o file.sig
check "the chain has two certificates" split_chain
stop_chiod
check "with the signer stopped: from Vault's public key to the file" \
  offline --issuer issuer.pub --file file --signature file.sig
check "and from the issuer's certificate" offline --issuer cert.1 --file file --signature file.sig
check "openssl accepts the certificate" env OPENSSL_CONF=/dev/null openssl verify -x509_strict -CAfile cert.1 cert.0
refute "another file is refused" offline --issuer issuer.pub --file other --signature file.sig
OPENSSL_CONF=/dev/null openssl genpkey -algorithm EC -pkeyopt group:P-384 -out stranger.key 2>/dev/null
OPENSSL_CONF=/dev/null openssl pkey -in stranger.key -pubout -out stranger.pub
refute "another issuer is refused" offline --issuer stranger.pub --file file --signature file.sig
refute "after the delegation's end it is refused" \
  offline --issuer issuer.pub --file file --signature file.sig --at 2099-01-01T00:00:00Z

# The issuer is rotated in Vault: nothing changes here until the configuration names its new version.
"$CHIO_START" || exit 99
vault_token=$(cat "$CHIO_TEST_VAULT_TOKEN_FILE")
check "the issuer is rotated in Vault" curl -s -f -X POST -H "X-Vault-Token: $vault_token" \
  "$CHIO_TEST_VAULT_ENDPOINT/v1/transit/keys/issuer/rotate"
vouch() { # FILE
  chio-hsm delegate --issuer "chio:token=vault;object=issuer" --key web --token test --policy policy.toml --days 7 -o "$1"
}
check "the version that was pinned goes on vouching" vouch same.pem
check "and is followed from the key that was published" chio-hsm verify same.pem --issuer issuer.pub
contains "what a rotation takes is said" "rotate it there" "$(chio-hsm key rotate issuer --token vault --yes 2>&1)"
stop_chiod
sed -i 's,"hashivault://issuer","hashivault://issuer?key_version=2",' "$CHIO_STATE/hsm.toml"
"$CHIO_START" || exit 99
check "with the new version in the place of the old one it has one key" chio-hsm export-pub issuer --token vault -o second.pub
refute "which is another" cmp issuer.pub second.pub
contains "and tells its version" "key_version=2" "$(chio-hsm key list --token vault --json)"
check "it vouches" vouch second.pem
check "and is followed from its public key" chio-hsm verify second.pem --issuer second.pub --file file --signature file.sig
refute "but not from the old one's" chio-hsm verify second.pem --issuer issuer.pub
check "what the old one vouched for is good until its end" chio-hsm verify same.pem --issuer issuer.pub
plan
