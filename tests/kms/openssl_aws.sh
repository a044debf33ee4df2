#!/bin/sh
# openssl with keys whose KMS signs digests of the curve's own size alone, here AWS's as ministack plays it: what names no
# digest gets that one, and what TLS 1.2 needs is what docs/kms.md says.
. "$abs_top_srcdir/tests/support/tap.sh"

if [ -z "${CHIO_TEST_DIR:-}" ]; then
  . "$abs_top_srcdir/tests/kms/use.sh"
  for tool in openssl pkcs11-tool python3; do
    command -v $tool >/dev/null 2>&1 || skip_all "$tool is not here"
  done
  use_server ministack
  AWS_ACCESS_KEY_ID=AKIDEXAMPLE AWS_SECRET_ACCESS_KEY=never-to-be-seen
  CHIO_LOG=info
  CHIO_TEST_CONFIG="[backend.aws]
endpoint = \"$CHIO_TEST_MINISTACK_ENDPOINT\"
region = \"us-east-1\"
timeout_ms = 20000"
  export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY CHIO_LOG CHIO_TEST_CONFIG
  "$abs_top_srcdir/tests/support/with-chiod" /bin/sh "$0"
  exit
fi

cd "$CHIO_TEST_DIR" || exit 99
ossl() {
  OPENSSL_CONF=/dev/null openssl "$@"
}
printf 'a message\n' >file

# KEY CURVE DIGEST
key_of_curve() {
  check "a key is made on $2" pkcs11-tool --module "$CHIO_PKCS11_MODULE" --token-label aws --keypairgen --key-type "EC:$2" --label "$1"
  uri="chio:token=aws;object=$1;type=private"
  check "$1: a certificate without a word about digests" openssl req -new -x509 -key "$uri" -subj "/CN=$1" -days 5 -out "$1.pem"
  contains "$1: is signed with $3" "ecdsa-with-$3" "$(ossl x509 -in "$1.pem" -noout -text 2>/dev/null)"
  check "$1: and holds" ossl verify -CAfile "$1.pem" "$1.pem"
  check "$1: so is a CMS signature" openssl cms -sign -binary -nodetach -in file -signer "$1.pem" -inkey "$uri" -outform DER -out cms
  check "$1: which holds" ossl cms -verify -binary -inform DER -in cms -CAfile "$1.pem" -purpose any -out /dev/null
  check "$1: and pkeyutl's" openssl pkeyutl -sign -rawin -inkey "$uri" -in file -out signature
  check "$1: which holds with that digest" sh -c "openssl x509 -in $1.pem -noout -pubkey >$1.pub &&
    OPENSSL_CONF=/dev/null openssl pkeyutl -verify -rawin -digest $3 -pubin -inkey $1.pub -in file -sigfile signature"
}
key_of_curve p256 prime256v1 SHA256
key_of_curve p384 secp384r1 SHA384
key_of_curve p521 secp521r1 SHA512
before=$(grep -c "op=SIGN" "$CHIOD_LOG")
refute "another digest is refused" openssl pkeyutl -sign -rawin -digest SHA256 -inkey "chio:token=aws;object=p384;type=private" \
  -in file -out signature
contains "before AWS is asked" "attempts=0 " "$(grep "op=SIGN" "$CHIOD_LOG" | tail -n "+$((before + 1))")"

# TLS: KEY OPTION... the server has the key, the client's options follow.
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
answers() { # OPTION...
  echo | ossl s_client -connect "127.0.0.1:$port" -CAfile p384.pem "$@" 2>&1 | grep -c '^Peer signing digest: SHA384'
}
serve() { # OPTION...
  openssl s_server -accept "127.0.0.1:$port" -cert p384.pem -key "chio:token=aws;object=p384;type=private" -quiet "$@" \
    >server.log 2>&1 &
  server=$!
  wait_for sh -c "echo | OPENSSL_CONF=/dev/null openssl s_client -connect 127.0.0.1:$port -tls1_3 2>/dev/null | grep -q BEGIN"
}
wait_for() {
  tries=200
  while ! "$@" && [ $tries -gt 0 ]; do
    sleep 0.05
    tries=$((tries - 1))
  done
}
serve
is "TLS 1.3 takes the digest of the curve" 1 "$(answers -tls1_3)"
is "TLS 1.2 takes the client's first, which the KMS does not sign" 0 "$(answers -tls1_2)"
kill "$server"
wait "$server" 2>/dev/null
serve -sigalgs ECDSA+SHA384
is "unless the server names the one that it can" 1 "$(answers -tls1_2)"
kill "$server"
wait "$server" 2>/dev/null
lacks "no secret is in the log" never-to-be-seen "$(cat "$CHIOD_LOG")"
plan
