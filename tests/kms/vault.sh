#!/bin/sh
# The Vault adapter against the real Vault: keys, signatures, ciphers, logins, refusals.
set -u
. "$abs_top_srcdir/tests/support/tap.sh"
. "$abs_top_srcdir/tests/kms/use.sh"
use_server vault

token=$CHIO_TEST_VAULT_TOKEN_FILE
vault() {
  adapter vault --endpoint "$CHIO_TEST_VAULT_ENDPOINT" --token-file "$token" "$@"
}
api() {
  curl -sS -f -H "X-Vault-Token: $(cat "$CHIO_TEST_VAULT_TOKEN_FILE")" "$CHIO_TEST_VAULT_ENDPOINT/v1/$1" --data "$2" >/dev/null
}

check "the server and the token are good" vault health
for row in "ec 256 k256" "ec 384 k384" "ec 521 k521" "ed25519 255 ked" "rsa 2048 k2048" "rsa 3072 k3072"; do
  # shellcheck disable=SC2086
  check "a key is made: $row" vault --timeout-ms 60000 create $row
done
is "a name that is taken makes no key" "use_adapter: EXISTS: backend 'test': there is a key 'k256' already" \
  "$(vault create ec 256 k256 2>&1)"
contains "the list has them" "hashivault://ked?mount=transit" "$(vault list)"

for row in "k256 ECDSA" "k256 ECDSA_SHA256" "k256 ECDSA_SHA512" "k384 ECDSA_SHA384" "k521 ECDSA_SHA512" "ked EDDSA" \
  "k2048 RSA_PKCS" "k2048 SHA224_RSA_PKCS" "k2048 SHA256_RSA_PKCS" "k3072 SHA384_RSA_PKCS" "k2048 SHA512_RSA_PKCS" \
  "k2048 SHA224_RSA_PKCS_PSS" "k2048 SHA256_RSA_PKCS_PSS" "k3072 SHA384_RSA_PKCS_PSS" "k2048 SHA512_RSA_PKCS_PSS"; do
  check "libcrypto verifies ${row#* } of ${row% *}" vault --count 4 sign "hashivault://${row% *}" "${row#* }"
done
check "a salt of its own length" vault --salt 20 sign hashivault://k2048 SHA256_RSA_PKCS_PSS
check "an empty message" vault --count 1 sign hashivault://ked EDDSA
check "300 signatures of P-521 keep their leading zeros" vault --count 300 --threads 8 sign hashivault://k521 ECDSA_SHA512

api transit/keys/k256/rotate '{}'
contains "a new version is the present one" "key_version=2" "$(vault describe hashivault://k256)"
check "the old version still signs where it is pinned" vault sign "hashivault://k256?key_version=1" ECDSA_SHA256
contains "a version that is not there is not replaced" NOT_FOUND "$(vault sign 'hashivault://k256?key_version=3' ECDSA_SHA256 2>&1)"
contains "a key that is not there is not found" NOT_FOUND "$(vault sign hashivault://nokey ECDSA_SHA256 2>&1)"
contains "nor a mount" NOT_FOUND "$(vault --mount nowhere sign hashivault://k256 ECDSA_SHA256 2>&1)"

api transit/keys/aes '{"type":"aes256-gcm96"}'
contains "a symmetric key does not sign" KEY_TYPE "$(vault sign hashivault://aes ECDSA_SHA256 2>&1)"
printf 'the sealing root' >"$use_dir/plain"
vault encrypt hashivault://aes symmetric where >"$use_dir/sealed" <"$use_dir/plain"
is "what was encrypted is decrypted" "the sealing root" "$(vault decrypt hashivault://aes symmetric where <"$use_dir/sealed")"
contains "but not with other associated data" DATA_INVALID \
  "$(vault decrypt hashivault://aes symmetric elsewhere 2>&1 <"$use_dir/sealed")"
contains "nor after a change" DATA_INVALID \
  "$(sed 's/.$/A/; s/:v1:./:v1:B/' "$use_dir/sealed" | vault decrypt hashivault://aes symmetric where 2>&1)"
vault encrypt 'hashivault://k2048?key_version=1' oaep-sha256 >"$use_dir/block" <"$use_dir/plain"
is "OAEP too" "the sealing root" "$(vault decrypt 'hashivault://k2048?key_version=1' oaep-sha256 <"$use_dir/block")"
contains "encrypting makes no key" NOT_FOUND "$(vault encrypt hashivault://ghost symmetric 2>&1 <"$use_dir/plain")"
lacks "and none was made" ghost "$(vault list)"
check "random bytes" vault random 1024

# Logins: everything in DIR logs in with the policy `chio`.
logs_in() {
  logs_in_name=$1
  shift
  check "$logs_in_name logs in" adapter vault --endpoint "$CHIO_TEST_VAULT_ENDPOINT" "$@" sign hashivault://k384 ECDSA_SHA384
}
d=$CHIO_TEST_VAULT_DIR
logs_in "an AppRole" --auth approle --token-file "$d/role_id" --secret-file "$d/secret_id"
logs_in "a JWT" --auth jwt --role chio --token-file "$d/jwt"
check "a certificate logs in over TLS" adapter vault --endpoint "$CHIO_TEST_VAULT_TLS_ENDPOINT" --ca-file "$CHIO_TEST_VAULT_CA" \
  --auth cert --cert-file "$d/client.pem" --secret-file "$d/client.key" sign hashivault://k384 ECDSA_SHA384
printf 'nonsense' >"$use_dir/nonsense"
contains "a wrong secret id does not" PERMISSION "$(adapter vault --endpoint "$CHIO_TEST_VAULT_ENDPOINT" --auth approle \
  --token-file "$d/role_id" --secret-file "$use_dir/nonsense" health 2>&1)"
contains "a JWT that is none does not" PERMISSION "$(adapter vault --endpoint "$CHIO_TEST_VAULT_ENDPOINT" --auth jwt \
  --role chio --token-file "$use_dir/nonsense" health 2>&1)"
contains "without the CA the server is not trusted" PEER_UNTRUSTED \
  "$(adapter vault --endpoint "$CHIO_TEST_VAULT_TLS_ENDPOINT" --token-file "$token" health 2>&1)"
token=$use_dir/nonsense
contains "a bad token is refused" PERMISSION "$(vault health 2>&1)"
token=$CHIO_TEST_VAULT_TOKEN_FILE

# States of the server.
api sys/quotas/rate-limit/tight '{"rate":1,"path":"transit/","interval":"60s"}'
vault sign hashivault://k384 ECDSA_SHA384 >/dev/null 2>&1
contains "a rate limit is told as one" BUSY "$(vault --timeout-ms 1500 sign hashivault://k384 ECDSA_SHA384 2>&1)"
curl -sS -X DELETE -H "X-Vault-Token: $(cat "$token")" "$CHIO_TEST_VAULT_ENDPOINT/v1/sys/quotas/rate-limit/tight"
# Transit says 500 to a version that was withdrawn for signing alone: that is no failure of the server.
check "a version signs until it is withdrawn" vault sign 'hashivault://k256?key_version=1' ECDSA_SHA256
api transit/keys/k256/config '{"min_encryption_version":2}'
contains "then it is gone" NOT_FOUND "$(vault sign 'hashivault://k256?key_version=1' ECDSA_SHA256 2>&1)"
api transit/keys/k384/rotate '{}'
api transit/keys/k384/config '{"min_decryption_version":2}'
contains "a version below the least is gone" NOT_FOUND \
  "$(vault sign 'hashivault://k384?key_version=1' ECDSA_SHA384 2>&1)"
api sys/seal '{}'
contains "a sealed server is told as one" "BACKEND_SEALED: backend 'test'" \
  "$(vault --timeout-ms 2000 sign hashivault://k521 ECDSA_SHA512 2>&1)"

plan
