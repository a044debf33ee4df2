# What the tests of chiod share; sourced after tap.sh. They start and stop chiod themselves.

chiod=$abs_top_builddir/signer/daemon/chiod
frames=$abs_top_builddir/tests/support/frames

# A killed process may stay as a zombie where nobody reaps it.
alive() {
  kill -0 "$1" 2>/dev/null && ! grep -q '^State:[[:space:]]*Z' "/proc/$1/status" 2>/dev/null
}

# Waits until COMMAND succeeds; bounded.
wait_for() {
  wait_tries=0
  until "$@" 2>/dev/null; do
    wait_tries=$((wait_tries + 1))
    [ $wait_tries -lt 600 ] || return 1
    sleep 0.1
  done
}

gone() { ! alive "$1"; }

stop_by() { # SIGNAL: stops the chiod of with-chiod and waits for its end
  stop_pid=$(cat "$CHIO_PIDFILE")
  kill "-$1" "$stop_pid"
  wait_for gone "$stop_pid"
}

restart() { # FLAGS...
  stop_by TERM
  "$CHIO_START" "$@"
}

le32() { # NUMBER: its four bytes in hex
  printf '%02x%02x%02x%02x' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24 & 255))
}

hex() { printf %s "$1" | od -An -v -tx1 | tr -d ' \n'; }

bytes_field() { # TEXT: as a field of a message
  le32 "$(printf %s "$1" | wc -c)"
  hex "$1"
}

login_body() { # PIN: of LOGIN (6) for the user of slot 0
  printf '%s%s%s%s%s%s' "$(le32 0)" "$(le32 1)" "$(le32 0)" 00000000000000000000000000000000 "$(le32 0)" \
    "$(bytes_field "$1")"
}
