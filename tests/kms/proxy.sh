#!/bin/sh
# chio-kmsd's way out through a proxy (tinyproxy, a real one): the variables that libcurl reads, as chiod hands them on.
. "$abs_top_srcdir/tests/support/tap.sh"

# The second time: under chiod, whose chio-kmsd has the variable.
if [ -n "${CHIO_TEST_DIR:-}" ]; then
  cd "$CHIO_TEST_DIR" || exit 99
  printf 123456 >pin
  export CHIO_PIN_SOURCE="$CHIO_TEST_DIR/pin" OPENSSL_CONF=/dev/null
  printf 'a message\n' >file
  chio-hsm export-pub walker --token aws -o key.pem && chio-hsm sign walker file --token aws -o file.sig &&
    openssl dgst -sha256 -verify key.pem -signature file.sig file
  exit
fi

. "$abs_top_srcdir/tests/kms/use.sh"
proxies=
# shellcheck disable=SC2086
trap 'kill $proxies 2>/dev/null; use_stop' EXIT
tinyproxy=$(PATH=$PATH:/usr/sbin command -v tinyproxy) || skip_all "tinyproxy is not here"
use_server ministack
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
unset AWS_SESSION_TOKEN AWS_PROFILE AWS_ENDPOINT_URL AWS_ENDPOINT_URL_KMS AWS_CA_BUNDLE
unset http_proxy https_proxy HTTPS_PROXY HTTP_PROXY ALL_PROXY all_proxy no_proxy NO_PROXY

# A proxy of our own on a free port: proxy NAME LINE...; its address is in $address, its log in $use_dir/NAME.log. The
# port may be taken by another before tinyproxy has it: then it ends, and another port is tried.
proxy() {
  for _ in 1 2 3 4 5; do
    start_proxy "$@" && return 0
  done
  skip_all "tinyproxy does not start"
}

start_proxy() {
  address=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print("127.0.0.1:%d" % s.getsockname()[1])')
  name=$1
  shift
  {
    printf 'Port %s\nListen 127.0.0.1\nAllow 127.0.0.1\nTimeout 30\nMaxClients 50\nLogLevel Connect\n' "${address#*:}"
    printf 'LogFile "%s"\nPidFile "%s"\n' "$use_dir/$name.log" "$use_dir/$name.pid"
    printf '%s\n' "$@"
  } >"$use_dir/$name.conf"
  : >"$use_dir/$name.log"
  "$tinyproxy" -d -c "$use_dir/$name.conf" >/dev/null 2>&1 &
  proxy_pid=$!
  proxies="$proxies $proxy_pid"
  proxy_tries=150
  while [ $proxy_tries -gt 0 ] && kill -0 $proxy_pid 2>/dev/null; do
    curl -s -o "$use_dir/answer" --max-time 2 "http://$address/" && return 0
    proxy_tries=$((proxy_tries - 1))
    sleep 0.2
  done
  return 1
}

tunnels() {
  grep -c 'Request.*CONNECT' "$use_dir/$1.log"
}

aws() {
  adapter aws --endpoint "$CHIO_TEST_MINISTACK_TLS_ENDPOINT" --ca-file "$CHIO_TEST_MINISTACK_CA" --region us-east-1 "$@" 2>&1
}

# The same with variables set: with NAME=VALUE... -- ARGUMENT...
with() {
  (
    while [ "$1" != -- ]; do
      export "${1?}"
      shift
    done
    shift
    aws "$@"
  )
}

proxy open
open=$address
proxy guarded 'BasicAuth walker swordfish'
guarded=$address
key=awskms:///alias/walker

check "without a proxy a key is made" aws create ec 256 walker
is "and the proxy saw nothing of it" 0 "$(tunnels open)"
check "through a proxy it signs" with "https_proxy=http://$open" -- sign "$key" ECDSA_SHA256
check "in a tunnel" [ "$(tunnels open)" -ge 1 ]
refute "and so the proxy saw no request" grep -E 'Request.*(GET|POST) http' "$use_dir/open.log"
contains "a proxy that is not there is an error that says so" "BACKEND_UNREACHABLE" \
  "$(with https_proxy=http://127.0.0.1:1 -- sign "$key" ECDSA_SHA256)"
contains "one that wants a password says so too" "407" "$(with "https_proxy=http://$guarded" -- sign "$key" ECDSA_SHA256)"
check "with the password it signs" with "https_proxy=http://walker:swordfish@$guarded" -- sign "$key" ECDSA_SHA256
refused=$(with "https_proxy=http://walker:crocodile@$guarded" -- sign "$key" ECDSA_SHA256)
contains "with a wrong one it does not" "CONNECT tunnel failed" "$refused"
lacks "and the error does not tell it" "crocodile" "$refused"
seen=$(tunnels open)
check "no_proxy goes straight" with "https_proxy=http://$open" no_proxy=127.0.0.1 -- sign "$key" ECDSA_SHA256
is "and the proxy sees nothing more" "$seen" "$(tunnels open)"

CHIO_TEST_CONFIG="[backend.aws]
kind = \"aws\"
endpoint = \"$CHIO_TEST_MINISTACK_TLS_ENDPOINT\"
ca_file = \"$CHIO_TEST_MINISTACK_CA\"
region = \"us-east-1\"
keys = [\"$key\"]
timeout_ms = 20000"
export CHIO_TEST_CONFIG
chmod -R go+rX "$use_dir"
check "chiod hands the variable to chio-kmsd" env https_proxy="http://$open" "$abs_top_srcdir/tests/support/with-chiod" /bin/sh "$0"
check "whose calls go through the proxy" [ "$(tunnels open)" -gt "$seen" ]
plan
