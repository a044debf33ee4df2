#!/bin/sh
# The state's root key sealed by a KMS (seal = "kms"): through chiod and chio-kmsd, with evidence against localstack (which
# wraps for the key in the document, though it does not judge the document) and against ministack (which ignores evidence
# and answers in the open: refused), by authorisation alone against Vault.
set -u
. "$abs_top_srcdir/tests/support/tap.sh"
. "$abs_top_srcdir/tests/kms/use.sh"
with_chiod=$abs_top_srcdir/tests/support/with-chiod

AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
CHIO_PIN_SOURCE=$use_dir/pin
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY CHIO_PIN_SOURCE
unset AWS_SESSION_TOKEN AWS_PROFILE AWS_ENDPOINT_URL AWS_ENDPOINT_URL_KMS AWS_CA_BUNDLE 2>/dev/null
printf '123456\n' >"$use_dir/pin"
chmod 600 "$use_dir/pin"

# A symmetric key: ENDPOINT
make_key() {
  curl -s -f --max-time 20 -H 'Content-Type: application/x-amz-json-1.1' -H 'X-Amz-Target: TrentService.CreateKey' \
    -H 'Authorization: AWS4-HMAC-SHA256 Credential=test/20261121/us-east-1/kms/aws4_request, SignedHeaders=host, Signature=0' \
    --data '{}' "$1/" | grep -o 'arn:aws:kms:[^"]*'
}

# Sets CHIO_TEST_CONFIG: KIND KEY EVIDENCE LINES-OF-THE-BACKEND
configure() {
  CHIO_TEST_CONFIG="seal = \"kms\"
[seal_kms]
backend = \"root\"
key = \"$2\"
evidence = $3
[backend.root]
kind = \"$1\"
$4"
  export CHIO_TEST_CONFIG
}

# Under a signer: a key is made, the signer is started again, and the key is still there.
cat >"$use_dir/restart" <<'SCRIPT'
#!/bin/sh
set -eu
chio-hsm key generate kept --token test
[ -s "$CHIO_STATE/root.kms" ] && [ ! -e "$CHIO_STATE/root.key" ]
kill "$(cat "$CHIO_PIDFILE")"
tries=100
while [ -s "$CHIO_PIDFILE" ] && [ $tries -gt 0 ]; do sleep 0.1; tries=$((tries - 1)); done
"${1:-true}"
"$CHIO_START" || {
  cat "$CHIOD_LOG"
  exit 1
}
chio-hsm key list --token test | grep kept
SCRIPT
# The same after the evidence is left out of the configuration.
cat >"$use_dir/without_evidence" <<'SCRIPT'
#!/bin/sh
sed -i 's/^evidence = true/evidence = false/' "$CHIO_STATE/hsm.toml"
SCRIPT
# The same on a backup: a copy, and nothing of the folder that it was made from.
cat >"$use_dir/from_backup" <<'SCRIPT'
#!/bin/sh
tar -C "$CHIO_STATE" -cf "$CHIO_STATE.tar" . && rm -rf "$CHIO_STATE" && mkdir -m 700 "$CHIO_STATE" &&
  tar -C "$CHIO_STATE" -xpf "$CHIO_STATE.tar" && rm "$CHIO_STATE.tar"
SCRIPT
chmod 755 "$use_dir/restart" "$use_dir/without_evidence" "$use_dir/from_backup"

CHIO_TEST_PLATFORM=sim-nitro
export CHIO_TEST_PLATFORM
if try_server localstack; then
  key=awskms:///$(make_key "$CHIO_TEST_LOCALSTACK_ENDPOINT")
  place="endpoint = \"$CHIO_TEST_LOCALSTACK_ENDPOINT\"
region = \"us-east-1\""
  configure aws "$key" true "$place"
  check "a root that AWS wraps for evidence opens again at the next start" "$with_chiod" "$use_dir/restart"
  check "but not without evidence" fails_with "was made to be opened by evidence" \
    "$with_chiod" "$use_dir/restart" "$use_dir/without_evidence"
  CHIO_TEST_PLATFORM=sim-tdx
  check "a platform whose evidence names no key is refused" fails_with "evidence of platform sim-tdx names no key" \
    "$with_chiod" true
  CHIO_TEST_PLATFORM=sim-nitro
  configure aws "awskms:///00000000-0000-0000-0000-000000000000" true "$place"
  check "a key that is not there is refused" fails_with "NotFoundException" "$with_chiod" true
  configure aws "$key" true "endpoint = \"http://127.0.0.1:1\"
region = \"us-east-1\""
  check "a KMS that is not there keeps chiod from starting" fails_with "seal_kms: backend 'root'" "$with_chiod" true
else
  skip "sealed by AWS for evidence" "localstack: $use_reason"
fi

if try_server ministack; then
  key=awskms:///$(make_key "$CHIO_TEST_MINISTACK_ENDPOINT")
  configure aws "$key" true "endpoint = \"$CHIO_TEST_MINISTACK_ENDPOINT\"
region = \"us-east-1\""
  check "a KMS that answers evidence in the open is refused" fails_with "answered evidence with an open plaintext" \
    "$with_chiod" true
else
  skip "a KMS that does not look at evidence" "ministack: $use_reason"
fi

if try_server vault; then
  curl -s -f -H "X-Vault-Token: root" --data '{"type":"aes256-gcm96"}' "$CHIO_TEST_VAULT_ENDPOINT/v1/transit/keys/seal" >/dev/null
  place="endpoint = \"$CHIO_TEST_VAULT_ENDPOINT\"
auth = \"token\"
token_file = \"$CHIO_TEST_VAULT_TOKEN_FILE\""
  configure vault hashivault://seal false "$place"
  check "a root that Vault wraps opens again at the next start" "$with_chiod" "$use_dir/restart"
  cat >"$use_dir/from_a_file" <<'SCRIPT'
#!/bin/sh
rm "$CHIO_STATE/root.kms" && head -c 32 /dev/zero >"$CHIO_STATE/root.key" && chmod 600 "$CHIO_STATE/root.key"
SCRIPT
  chmod 755 "$use_dir/from_a_file"
  check "a store that was made under a file is not sealed anew" fails_with "was made under root.key" \
    "$with_chiod" "$use_dir/restart" "$use_dir/from_a_file"
  configure vault hashivault://seal true "$place"
  check "Vault knows no evidence" fails_with "seal_kms: backend 'root'" "$with_chiod" true
else
  skip "sealed by Vault" "vault: $use_reason"
fi

# Storage in an HSM, compute in the TEE: the keys are used here, what opens their store never leaves the HSM.
if ! command -v pkcs11-tool >/dev/null; then
  skip "sealed by an HSM" "there is no pkcs11-tool to make its key with (Debian: opensc)"
elif try_server softhsm; then
  p11() {
    pkcs11-tool --module "$CHIO_TEST_MODULE" --token-label behind --login --pin 87654321 "$@" >/dev/null 2>&1
  }
  p11 --keygen --key-type AES:32 --label wrap --id aa
  p11 --keypairgen --key-type rsa:2048 --label unwrap --id bb --usage-decrypt
  place="module = \"$CHIO_TEST_MODULE\"
token = \"$CHIO_TEST_MODULE_TOKEN\"
secret_file = \"$CHIO_TEST_MODULE_PIN_FILE\"
[kmsd]
environment = [\"SOFTHSM2_CONF\"]
files = [\"$use_dir/softhsm\"]"
  for key in wrap unwrap; do
    configure pkcs11 "pkcs11:object=$key" false "$place"
    check "a root under the HSM's key '$key' opens again at the next start" "$with_chiod" "$use_dir/restart"
    check "and so does a backup of the store under it" "$with_chiod" "$use_dir/restart" "$use_dir/from_backup"
  done
  cat >"$use_dir/lose" <<SCRIPT
#!/bin/sh
pkcs11-tool --module "$CHIO_TEST_MODULE" --token-label behind --login --pin 87654321 \
  --delete-object --type secrkey --id aa
SCRIPT
  chmod 755 "$use_dir/lose"
  configure pkcs11 pkcs11:object=wrap false "$place"
  check "without the HSM's key the store does not open" fails_with "seal_kms: backend 'root'" \
    "$with_chiod" "$use_dir/restart" "$use_dir/lose"
  configure pkcs11 pkcs11:object=wrap true "$place"
  check "a module looks at no evidence" fails_with "seal_kms: backend 'root'" "$with_chiod" true
  configure pkcs11 pkcs11:object=nokey false "$place"
  check "a key that the HSM does not have is refused" fails_with "no private key" "$with_chiod" true
else
  skip "sealed by an HSM" "softhsm: $use_reason"
fi

CHIO_TEST_CONFIG='seal = "kms"'
export CHIO_TEST_CONFIG
check "a seal that names no backend is refused" fails_with "needs seal_kms.backend and seal_kms.key" "$with_chiod" true

plan
