# What the test servers share, sourced: . "$(dirname "$0")/lib.sh"
#
# A test server is an executable script tests/kms/servers/NAME with three verbs:
#   install    gets it ready: status 0, or 77 with the reason on stdout when it cannot be had here; with
#              CHIO_TEST_INSTALL=no it only looks whether it is ready; with =quick it installs what takes seconds
#   start DIR  starts it on 127.0.0.1, on a free port, in the background; returns when it answers; DIR/env holds shell
#              assignments (CHIO_TEST_NAME_ENDPOINT=... and whatever else its tests need), DIR/pid its process ids,
#              DIR/log what it says
#   stop DIR   stops it; without one running nothing happens
# What is installed lives outside the tree, in $CHIO_TEST_CACHE (${XDG_CACHE_HOME:-$HOME/.cache}/chio-hsm).
#
# A script defines server_install and server_start (DIR is in $dir) and ends with: server_main "$@"
set -u

CHIO_TEST_CACHE=${CHIO_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/chio-hsm}

# A bad start is a start that failed, not a server that cannot be had.
server_fail() {
  echo "$(basename "$0"): $1" >&2
  if [ -n "${dir:-}" ] && [ -s "$dir/log" ]; then tail -n 20 "$dir/log" >&2; fi
  exit 1
}

server_unavailable() {
  echo "$1"
  exit 77
}

need() {
  for need_tool in "$@"; do
    command -v "$need_tool" >/dev/null 2>&1 || server_unavailable "$need_tool is not installed"
  done
}

# As many free ports of 127.0.0.1 as are asked for, on one line.
free_ports() {
  python3 - "$1" <<'PY'
import socket, sys
sockets = [socket.socket() for _ in range(int(sys.argv[1]))]
for s in sockets:
    s.bind(("127.0.0.1", 0))
print(*[s.getsockname()[1] for s in sockets])
PY
}

# A folder of the cache that is made once: cached NAME FUNCTION. FUNCTION fills the folder $into; when it fails, the last
# line it says on stdout is the reason. A script whose installation takes seconds sets cached_when=quick. The file `ready` in
# it says that it is whole; two who install at once take turns.
cached() {
  into=$CHIO_TEST_CACHE/$1
  mkdir -p "$CHIO_TEST_CACHE" || server_unavailable "the cache $CHIO_TEST_CACHE cannot be made"
  exec 8>"$CHIO_TEST_CACHE/.$1.lock"
  flock 8 || server_fail "no lock for the cache"
  if [ ! -f "$into/ready" ]; then
    [ "${CHIO_TEST_INSTALL:-yes}" = "${cached_when:-yes}" ] || [ "${CHIO_TEST_INSTALL:-yes}" = yes ] ||
      server_unavailable "$1 is not installed; ./check --all installs it"
    rm -rf "$into"
    mkdir -p "$into"
    cached_said=$("$2" 2>"$CHIO_TEST_CACHE/$1.log") ||
      server_unavailable "${cached_said:-$1 cannot be installed: $(tail -n 1 "$CHIO_TEST_CACHE/$1.log")}"
    : >"$into/ready"
  fi
  exec 8>&-
}

# A virtual environment in $into/venv: venv PYTHON PACKAGE...
venv() {
  venv_python=$1
  shift
  "$venv_python" -m venv "$into/venv" >&2 || {
    echo "$venv_python makes no virtual environment"
    return 1
  }
  "$into/venv/bin/pip" install -q --disable-pip-version-check --retries 2 --timeout 20 "$@" >&2 || {
    echo "pip cannot install $*"
    return 1
  }
}

# A program of a Go module, built into $into: go_program MODULE@VERSION PACKAGE NAME
go_program() {
  command -v go >/dev/null 2>&1 || {
    echo "go is not installed"
    return 1
  }
  go_scratch=$into/scratch
  mkdir -p "$go_scratch"
  (
    cd "$go_scratch" || exit 1
    printf 'module scratch\ngo 1.25\n' >go.mod
    printf '//go:build tools\n\npackage tools\n\nimport _ "%s"\n' "$2" >tools.go
    export GOFLAGS=-mod=mod CGO_ENABLED=0
    go get "$1" && nice go build -ldflags '-s -w' -o "../$3" "$2"
  ) >&2 || {
    echo "go cannot build $2 of $1"
    return 1
  }
  rm -rf "$go_scratch"
}

# A simulated HSM in $dir, whose attestations the server hands out (tests/support/make_attestation); without a build there
# are none.
make_hsm() {
  CHIO_TEST_MAKE_ATTESTATION=${abs_top_builddir:-.}/tests/support/make_attestation
  [ -x "$CHIO_TEST_MAKE_ATTESTATION" ] || CHIO_TEST_MAKE_ATTESTATION=
  export CHIO_TEST_MAKE_ATTESTATION
  [ -z "$CHIO_TEST_MAKE_ATTESTATION" ] || "$CHIO_TEST_MAKE_ATTESTATION" "$dir" new 2>>"$dir/log"
}

# Starts a command in the background, in a process group of its own: background COMMAND...
background() {
  setsid "$@" >>"$dir/log" 2>&1 </dev/null &
  echo $! >>"$dir/pid"
}

# Waits up to so many seconds until the command succeeds; gives up when the server has died.
wait_until() {
  wait_tries=$(($1 * 10))
  shift
  while ! "$@" >/dev/null 2>&1; do
    wait_tries=$((wait_tries - 1))
    [ $wait_tries -gt 0 ] || return 1
    for wait_pid in $(cat "$dir/pid"); do server_alive "$wait_pid" || return 1; done
    sleep 0.1
  done
}

# NAME VALUE into DIR/env, quoted for the shell.
give() {
  printf "%s='%s'; export %s\n" "$1" "$(printf '%s' "$2" | sed "s/'/'\\\\''/g")" "$1" >>"$dir/env"
}

# A CA and a certificate for localhost and 127.0.0.1: $dir/ca.pem, $dir/server.pem, $dir/server.key.
make_certificates() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/ca.key" -out "$dir/ca.pem" \
    -days 2 -subj "/CN=chio-hsm test CA" -addext basicConstraints=critical,CA:TRUE 2>>"$dir/log" &&
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/server.key" -out "$dir/server.csr" \
      -subj /CN=localhost 2>>"$dir/log" &&
    printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n' >"$dir/server.ext" &&
    openssl x509 -req -in "$dir/server.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -CAcreateserial -days 2 \
      -extfile "$dir/server.ext" -out "$dir/server.pem" 2>>"$dir/log"
}

# A zombie that nobody reaps is dead.
server_alive() {
  kill -0 "$1" 2>/dev/null && ! grep -q '^State:[[:space:]]*Z' "/proc/$1/status" 2>/dev/null
}

server_stop() {
  [ -s "$dir/pid" ] || return 0
  for stop_pid in $(cat "$dir/pid"); do
    kill -TERM "-$stop_pid" 2>/dev/null || kill -TERM "$stop_pid" 2>/dev/null
    stop_tries=50
    while server_alive "$stop_pid" && [ $stop_tries -gt 0 ]; do
      sleep 0.1
      stop_tries=$((stop_tries - 1))
    done
    kill -KILL "-$stop_pid" 2>/dev/null
  done
  rm -f "$dir/pid"
}

server_main() {
  case ${1:-} in
    install) server_install ;;
    start | stop)
      [ -n "${2:-}" ] && mkdir -p "$2" || exit 2
      dir=$(cd "$2" && pwd)
      if [ "$1" = stop ]; then server_stop; exit 0; fi
      server_stop
      : >"$dir/env"
      : >"$dir/log"
      : >"$dir/pid"
      server_start || {
        server_stop
        server_fail "does not start"
      }
      ;;
    *)
      echo "usage: $(basename "$0") install | start DIR | stop DIR" >&2
      exit 2
      ;;
  esac
}
