#!/bin/sh
# TLS 1.3 and 1.2 with keys of the provider: servers, clients that show a certificate, keys by URI and by PEM file.
. "$abs_top_srcdir/tests/support/tap.sh"
under_chiod
. "$abs_top_srcdir/tests/module/provider.sh"
cd "$CHIO_TEST_DIR" || exit 99

make_keys ed25519 p256 p384 rsa2048 rsa2048-pss
make_files rsa2048
configure "pin = 123456"

certify() { # NAME KEY OPTIONS
  certify_name=$1 certify_key=$2
  shift 2
  openssl req -x509 -new -key "$certify_key" -subj /CN=localhost -addext subjectAltName=DNS:localhost -days 5 "$@" \
    -out "$certify_name.pem" 2>/dev/null
}

server=
stop_server() {
  [ -z "$server" ] || kill "$server" 2>/dev/null
  server=
}
trap stop_server EXIT

# The kernel picks the port: two tests may run at once.
serve() { # OPTIONS
  openssl s_server -accept 127.0.0.1:0 -quiet -naccept 2 -www "$@" >server.log 2>&1 &
  server=$!
  port=
  tries=0
  while [ -z "$port" ] && [ $tries -lt 600 ] && kill -0 $server 2>/dev/null; do
    sleep 0.1
    tries=$((tries + 1))
    inode=$(find "/proc/$server/fd" -lname 'socket:*' -printf '%l\n' 2>/dev/null | sed 's/.*\[\(.*\)\]/\1/' | tr '\n' '|')
    port=$(awk -v inodes="|$inode" '$4 == "0A" && index(inodes, "|" $10 "|") { split($2, a, ":"); print a[2]; exit }' \
      /proc/net/tcp)
  done
  port=$((0x${port:-0}))
}

connect() { # OPTIONS
  echo "GET / HTTP/1.0" | timeout 30 openssl s_client -ign_eof -connect "127.0.0.1:$port" -servername localhost \
    -verify_return_error -verify_hostname localhost "$@" 2>&1
}

try() { # NAME CERTIFICATE KEY SERVER-OPTIONS -- CLIENT-OPTIONS
  try_name=$1 try_cert=$2 try_key=$3
  shift 3
  server_options=
  while [ $# -gt 0 ] && [ "$1" != -- ]; do
    server_options="$server_options $1"
    shift
  done
  shift
  serve -cert "$try_cert" -key "$try_key" $server_options
  said=$(connect -CAfile "$try_cert" "$@")
  contains "$try_name" "Verification: OK" "$said"
  stop_server
}

for type in ed25519 p256 p384 rsa2048 rsa2048-pss; do
  certify "$type" "$(uri $type)"
  openssl pkey -in "$(uri $type)" -out "$type.key"
  try "$type: TLS 1.3 with the URI" "$type.pem" "$(uri $type)" -tls1_3 -- -tls1_3
  try "$type: TLS 1.3 with the PEM file" "$type.pem" "$type.key" -tls1_3 -- -tls1_3
  try "$type: TLS 1.2" "$type.pem" "$(uri $type)" -tls1_2 -- -tls1_2
done
# The server's thread goes on with others while a signature is made (openssl speed takes no key by URI: -async_jobs of it
# cannot be shown here; provider_async.sh counts what is under way at once).
for type in ed25519 p256 rsa2048; do
  try "$type: TLS 1.3 in asynchronous jobs" "$type.pem" "$(uri $type)" -async -tls1_3 -- -tls1_3
  try "$type: TLS 1.2 in asynchronous jobs" "$type.pem" "$(uri $type)" -async -tls1_2 -- -tls1_2
done
certify file "$(file rsa2048)"
try "a file key beside the provider" file.pem "$(file rsa2048)" -- -tls1_3
for algorithm in rsa_pss_rsae_sha256 rsa_pss_rsae_sha384 rsa_pss_rsae_sha512; do
  try "rsa2048: $algorithm" rsa2048.pem "$(uri rsa2048)" -tls1_3 -- -tls1_3 -sigalgs $algorithm
done
for algorithm in rsa_pkcs1_sha256 rsa_pkcs1_sha512 rsa_pss_rsae_sha256; do
  try "rsa2048, TLS 1.2: $algorithm" rsa2048.pem "$(uri rsa2048)" -tls1_2 -- -tls1_2 -sigalgs $algorithm
done

# The certificate from the token too
openssl x509 -in p256.pem -outform DER | "$abs_top_builddir/tests/support/make_key" cert tls-cert id-p256
serve -cert "chio:object=tls-cert;type=cert" -key "$(uri p256)" -tls1_3
contains "certificate and key by URI" "Verification: OK" "$(connect -CAfile p256.pem)"
stop_server

# A client with a key of the provider
for type in ed25519 p256 rsa2048; do
  for version in -tls1_3 -tls1_2; do
    serve -cert file.pem -key "$(file rsa2048)" -CAfile "$type.pem" -Verify 1 -verify_return_error $version
    said=$(connect -CAfile file.pem -cert "$type.pem" -key "$(uri $type)")
    contains "$type: a client's key, $version" "Verification: OK" "$said"
    contains "$type: and the server took it, $version" "HTTP/1.0 200" "$said"
    stop_server
  done
done

# A key that does not belong to the certificate
openssl s_server -accept 127.0.0.1:0 -cert p256.pem -key "$(uri rsa2048)" -naccept 1 >server.log 2>&1 </dev/null
contains "a key of another certificate is refused" "does not match" "$(cat server.log)"
plan
