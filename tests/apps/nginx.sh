#!/bin/sh
# nginx as Debian packages it (a root master, www-data workers) with the PEM file that names a key in chiod:
# $CHIO_HANDSHAKES full handshakes (300 when unset), two reloads meanwhile, a restart of chiod.
. "$abs_top_srcdir/tests/support/tap.sh"
need nginx
[ "$(id -u)" = 0 ] || skip_all "only root can start workers as another user"
id www-data >/dev/null 2>&1 || skip_all "there is no user www-data"
CHIO_LOG=debug under_chiod
. "$abs_top_srcdir/tests/module/provider.sh"
cd "$CHIO_TEST_DIR" || exit 99

client=$abs_top_builddir/tests/apps/tls_client
count=${CHIO_HANDSHAKES:-300}

(umask 077 && printf '123456\n' >pin)
configure "signer = $CHIO_SIGNER
pin-source = $PWD/pin"

stop_nginx() {
  [ ! -s nginx.pid ] || kill "$(cat nginx.pid)" 2>/dev/null
}
trap stop_nginx EXIT

run_nginx() {
  nginx -e "$PWD/error.log" -c "$PWD/nginx.conf" "$@"
}

workers() {
  cat "/proc/$(cat nginx.pid)/task/$(cat nginx.pid)/children"
}

users_of_workers() {
  for worker in $(workers); do stat -c %U "/proc/$worker"; done
}

# Waits until none of the old workers is left.
renewed() { # OLD-WORKERS
  tries=0
  while [ $tries -lt 300 ]; do
    still=
    for worker in $(workers); do
      case " $1 " in *" $worker "*) still=yes ;; esac
    done
    [ -n "$still" ] || return 0
    sleep 0.1
    tries=$((tries + 1))
  done
  return 1
}

write_conf() { # TYPE PORT
  cat >nginx.conf <<END
user www-data;
worker_processes 2;
pid $PWD/nginx.pid;
error_log $PWD/error.log info;
include /etc/nginx/modules-enabled/*.conf;
events { worker_connections 256; }
http {
  access_log off;
  server {
    listen 127.0.0.1:$2 ssl;
    server_name localhost;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_tickets off;
    ssl_certificate $PWD/$1.pem;
    ssl_certificate_key $PWD/$1.key;
    location / { return 200 "served\n"; }
  }
}
END
}

# Debian's unit starts nginx without the environment of a person.
start_nginx() { # TYPE
  port=$("$client" port)
  write_conf "$1" "$port"
  check "$1: nginx accepts its configuration" run_nginx -t
  run_nginx || exit 99
  tries=0
  while [ ! -s nginx.pid ] && [ $tries -lt 100 ]; do
    sleep 0.1
    tries=$((tries + 1))
  done
}

end_nginx() {
  ended=$(cat nginx.pid)
  kill -QUIT "$ended"
  tries=0
  while [ -e nginx.pid ] && [ $tries -lt 200 ]; do
    sleep 0.1
    tries=$((tries + 1))
  done
}

for type in p256 ed25519 rsa2048; do
  make_keys $type
  openssl req -x509 -new -key "$(uri $type)" -subj /CN=localhost -addext subjectAltName=DNS:localhost -days 5 \
    -out $type.pem 2>/dev/null
  (umask 077 && openssl pkey -in "$(uri $type)" -out $type.key)
done

start_nginx p256
is "the workers are www-data" "www-data www-data" "$(echo $(users_of_workers))"
before=$(requests SIGN)
"$client" "$port" p256.pem "$count" 2 >client.out 2>&1 &
client_pid=$!
for reload in 1 2; do
  reached=$((before + reload * count / 3))
  tries=0
  while [ "$(requests SIGN)" -lt "$reached" ] && kill -0 $client_pid 2>/dev/null && [ $tries -lt 6000 ]; do
    sleep 0.1
    tries=$((tries + 1))
  done
  check "reload $reload, under load" run_nginx -s reload
done
wait $client_pid
is "every handshake was good" "$count of $count handshakes were good" "$(cat client.out)"
is "each was one signature" $((before + count)) "$(requests SIGN)"
is "made as www-data" 0 "$(grep 'type=SIGN' "$CHIOD_LOG" | tail -n "$count" | grep -vc "uid=$(id -u www-data) ")"

stop_chiod
"$CHIO_START" || exit 99
old=$(echo $(workers))
run_nginx -s reload
check "nginx reloads after chiod was restarted" renewed "$old"
check "and goes on" "$client" "$port" p256.pem 20
lacks "its log has no PIN" 123456 "$(cat error.log)"
end_nginx

for type in ed25519 rsa2048; do
  start_nginx $type
  check "$type: handshakes are good" "$client" "$port" $type.pem 50 2
  end_nginx
done

# A bundle of certificate and key in one file
cat p256.pem p256.key >bundle.pem
cp bundle.pem bundle.key
start_nginx bundle
check "certificate and key in one file" "$client" "$port" p256.pem 20
end_nginx
cat p256.key p256.pem >bundle.pem
start_nginx bundle
check "the key first" "$client" "$port" p256.pem 20
end_nginx

stop_chiod
said=$(run_nginx -t 2>&1)
contains "without chiod nginx says why" "the signer cannot be reached" "$said"
plan
