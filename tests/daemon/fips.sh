#!/bin/sh
# [crypto] fips: OpenSSL's FIPS module under the keys of chiod, and what is refused then.
. "$abs_top_srcdir/tests/support/tap.sh"
. "$abs_top_srcdir/tests/daemon/daemon.sh"

if [ -z "${CHIO_TEST_DIR:-}" ]; then
  CHIO_TEST_FIPS=$(mktemp -d "${TMPDIR:-/tmp}/chio-XXXXXX") || exit 99
  trap 'rm -rf "$CHIO_TEST_FIPS"' EXIT
  reason=$(CHIO_TEST_INSTALL=${CHIO_TEST_INSTALL:-no} "$abs_top_srcdir/tests/support/fips-module" "$CHIO_TEST_FIPS") ||
    skip_all "OpenSSL's FIPS module: $reason"
  export CHIO_TEST_FIPS
  "$abs_top_srcdir/tests/support/with-chiod" /bin/sh "$0"
  exit
fi
cd "$CHIO_TEST_DIR" || exit 99
umask 077
printf 123456 >pin
printf hello >message

id_of() { # LABEL
  chio-hsm key list | awk -v label="$1" '$1 == label { print $2 }'
}

generate() { # LABEL TYPE
  chio-hsm key generate "$1" --type "$2" --pin-source pin 2>&1
}

sign() { # LABEL
  chio-hsm sign "$1" --pin-source pin --output "$1.sig" message 2>&1
}

tool() {
  pkcs11-tool --module "$CHIO_PKCS11_MODULE" --login --pin 123456 "$@" 2>&1
}

# Turns it on for the next start: FOLDER
turn_on() {
  printf '[crypto]\nfips = true\nfips_config = "%s/fipsmodule.cnf"\nfips_modules = "%s"\n' "$1" "$1" >>"$CHIO_STATE/hsm.toml"
}

# What chiod says when it does not start: CONFIG-TEXT
start_with() {
  cp before.toml other.toml
  printf '%s\n' "$1" >>other.toml
  "$chiod" --config other.toml --state "$CHIO_TEST_DIR/other" --socket "$CHIO_TEST_DIR/other.sock" --stay-root 2>&1
}

cp "$CHIO_STATE/hsm.toml" before.toml
check "without it, an Ed25519 key is made" generate old ed25519
check "and signs" sign old

# A module that is missing, damaged, or was never installed: chiod does not start without it.
out=$(start_with '[crypto]
fips = true
fips_config = "/nowhere/fipsmodule.cnf"')
is "without the configuration of the module chiod does not start" 1 $?
contains "and says how to make it" "make it with 'openssl fipsinstall -module" "$out"
mkdir damaged
cp "$CHIO_TEST_FIPS/fipsmodule.cnf" damaged/
out=$(start_with '[crypto]
fips = true
fips_config = "'"$CHIO_TEST_DIR"'/damaged/fipsmodule.cnf"
fips_modules = "'"$CHIO_TEST_DIR"'/damaged"')
is "without fips.so it does not start" 1 $?
contains "and names fips.so and fipsinstall" "is fips.so installed" "$out"
cp "$CHIO_TEST_FIPS/fips.so" damaged/
sed 's/^module-mac = ../module-mac = 00/' "$CHIO_TEST_FIPS/fipsmodule.cnf" >damaged/fipsmodule.cnf
sed -i 's/^\(module-mac = 00\):../\1:00/' damaged/fipsmodule.cnf
out=$(start_with '[crypto]
fips = true
fips_config = "'"$CHIO_TEST_DIR"'/damaged/fipsmodule.cnf"
fips_modules = "'"$CHIO_TEST_DIR"'/damaged"')
is "with a module that is not the one that was installed it does not start" 1 $?
contains "the self-test says so" "the FIPS module does not start" "$out"
out=$(start_with '[crypto]
fips = true
fips_config = "fipsmodule.cnf"')
contains "the path must be absolute" "expected an absolute path for crypto.fips_config" "$out"

plain=$(chio-hsm status --json | tr -d ' ' | grep -o '"manifest":"[^"]*"')
turn_on "$CHIO_TEST_FIPS"
check "chiod starts with the module" restart
status=$(chio-hsm status)
contains "the status names the module" "FIPS" "$(printf '%s\n' "$status" | grep '^fips ')"
lacks "the configuration in the evidence is another one" "$plain" "$(chio-hsm status --json | tr -d ' ')"
contains "the module is in chiod's memory" "$CHIO_TEST_FIPS/fips.so" "$(cat "/proc/$(cat "$CHIO_PIDFILE")/maps")"

for row in p256:sha256 p384:sha384 p521:sha512 rsa2048:sha256; do
  type=${row%:*}
  check "a key is made: $type" generate "$type" "$type"
  check "it signs: $type" sign "$type"
  chio-hsm export-pub "$type" --output "$type.pem"
  check "its signature is good: $type" openssl dgst "-${row#*:}" -verify "$type.pem" -signature "$type.sig" message
done
check "evidence is made" chio-hsm attest p256 --pin-source pin --nonce 00112233445566778899aabbccddeeff --output fresh.json

out=$(generate new ed25519)
refute "no Ed25519 key is made" test $? -eq 0
contains "and the mechanism is named" "CKM_EC_EDWARDS_KEY_PAIR_GEN is not among what the FIPS module approves" "$out"
out=$(sign old)
refute "the Ed25519 key of before signs no more" test $? -eq 0
contains "and is told so" "CKM_EDDSA is not among what the FIPS module approves" "$out"
contains "though it is still there" old "$(chio-hsm key list)"

if command -v pkcs11-tool >/dev/null; then
  mechanisms=$(pkcs11-tool --module "$CHIO_PKCS11_MODULE" -M 2>&1)
  contains "ECDSA is listed" ECDSA-SHA256 "$mechanisms"
  lacks "EdDSA is not" EDDSA "$mechanisms"
  lacks "nor is its key generation" EDWARDS "$mechanisms"
  contains "pkcs11-tool finds no mechanism for Ed25519" "not supported" \
    "$(tool --keypairgen --key-type EC:edwards25519 --label new)"
  refute "there is no secp256k1" tool --keypairgen --key-type EC:secp256k1 --label new
  contains "an RSA key of 1024 bits is too small" CKR_KEY_SIZE_RANGE "$(tool --keypairgen --key-type rsa:1024 --label new)"
  rsa=$(id_of rsa2048)
  ec=$(id_of p256)
  printf '\060\041\060\011\006\005\053\016\003\002\032\005\000\004\02412345678901234567890' >sha1.info
  printf '\060\061\060\015\006\011\140\206\110\001\145\003\004\002\001\005\000\004\040%s' \
    12345678901234567890123456789012 >sha256.info
  printf 12345678901234567890 >sha1.digest
  contains "a DigestInfo of SHA-1 is not signed" CKR_DATA_INVALID \
    "$(tool --sign -m RSA-PKCS --id "$rsa" -i sha1.info -o s)"
  contains "nor is what is no DigestInfo" CKR_DATA_INVALID "$(tool --sign -m RSA-PKCS --id "$rsa" -i message -o s)"
  check "one of SHA-256 is" tool --sign -m RSA-PKCS --id "$rsa" -i sha256.info -o s
  contains "a digest as short as SHA-1's is not signed" CKR_DATA_INVALID \
    "$(tool --sign -m ECDSA --id "$ec" -i sha1.digest -o s)"
  contains "PSS with SHA-1 is not signed" CKR_MECHANISM_PARAM_INVALID \
    "$(tool --sign -m RSA-PKCS-PSS --hash-algorithm SHA-1 --mgf MGF1-SHA1 --salt-len 20 --id "$rsa" -i sha1.digest -o s)"
else
  skip "what pkcs11-tool is refused" "there is no pkcs11-tool (Debian: opensc)"
fi

# An application that uses the module itself, beside chio.so. chio.so claims no fips=yes: it is no validated module.
mkdir modules
cp "$OPENSSL_MODULES/chio.so" "$CHIO_TEST_FIPS/fips.so" modules/
application() { # PROPERTIES: its configuration
  cat <<END
openssl_conf = openssl_init
.include $CHIO_TEST_FIPS/fipsmodule.cnf
[openssl_init]
providers = providers
alg_section = algorithms
[algorithms]
default_properties = $1
[providers]
fips = fips_sect
base = base_provider
chio = chio_provider
[base_provider]
activate = 1
[chio_provider]
activate = 1
END
}
application '?fips=yes' >prefers.cnf
application 'fips=yes' >insists.cnf
uri="chio:object=p256?pin-source=file:$CHIO_TEST_DIR/pin"
app() { # CONFIG ARGUMENT...: openssl dgst
  app_config=$1
  shift
  OPENSSL_CONF=$CHIO_TEST_DIR/$app_config OPENSSL_MODULES=$CHIO_TEST_DIR/modules openssl dgst -sha256 "$@" message 2>&1
}
check "an application that prefers fips=yes signs with a key of chiod" app prefers.cnf -sign "$uri" -out app.sig
check "and verifies with the module" app prefers.cnf -verify p256.pem -signature app.sig
refute "it has nothing outside of the module" env OPENSSL_CONF="$CHIO_TEST_DIR/prefers.cnf" \
  OPENSSL_MODULES="$CHIO_TEST_DIR/modules" openssl dgst -md5 message
refute "one that insists on fips=yes does not find chio.so" app insists.cnf -sign "$uri" -out app.sig
check "unless the one call says -fips" app insists.cnf -propquery -fips -sign "$uri" -out app.sig
check "and what it signs is good" app insists.cnf -verify p256.pem -signature app.sig

# The embedded signer shares its process with others.
stop_by TERM
out=$(CHIO_SIGNER=embedded:$CHIO_STATE chio-hsm status 2>&1)
refute "the embedded signer does not serve it" test $? -eq 0
contains "and says so" "crypto.fips: the embedded signer has no FIPS module" "$out"
cp before.toml "$CHIO_STATE/hsm.toml"
check "chiod starts without it again" "$CHIO_START"
check "the Ed25519 key signs again" sign old
check "and so does a key that was born with the module" sign p256
plan
