# What the tests of the provider share; sourced after tap.sh. Keys of every kind in the token, and files beside them:
# each command is also run with a file key, the control row, and has to end alike.

keys="ed25519 p256 p384 p521 rsa2048"

uri() { # TYPE: the key in the token
  echo "chio:token=test;object=key-$1"
}

file() { # TYPE: the same kind of key in a file
  echo "$CHIO_TEST_DIR/file-$1.pem"
}

make_keys() { # TYPES
  for made in "$@"; do
    "$abs_top_builddir/tests/support/make_key" "$made" "key-$made" "id-$made" || skip_all "no key $made"
  done
}

make_files() { # TYPES
  for made in "$@"; do
    case $made in
      ed25519) openssl genpkey -algorithm ed25519 -out "$(file "$made")" ;;
      p256) openssl genpkey -algorithm EC -pkeyopt group:P-256 -out "$(file "$made")" ;;
      p384) openssl genpkey -algorithm EC -pkeyopt group:P-384 -out "$(file "$made")" ;;
      p521) openssl genpkey -algorithm EC -pkeyopt group:P-521 -out "$(file "$made")" ;;
      rsa2048) openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$(file "$made")" ;;
      rsa2048-pss) openssl genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -out "$(file "$made")" ;;
    esac 2>/dev/null
  done
}

# Settings of the provider's section, LINES of openssl.cnf.
configured=0
plain_conf=$OPENSSL_CONF
configure() { # LINES
  configured=$((configured + 1))
  OPENSSL_CONF=$CHIO_TEST_DIR/openssl-$configured.cnf
  awk -v lines="$1" '{ print } /^\[chio_provider\]$/ { print lines }' "$plain_conf" >"$OPENSSL_CONF"
  export OPENSSL_CONF
}

# Runs COMMAND twice, @KEY@ standing for the file key and for the token's; both have to end as EXPECTED (ok or refused).
# @OUT@ is a file of each one's own.
both() { # NAME TYPE EXPECTED COMMAND...
  both_name=$1 both_type=$2 both_expected=$3
  shift 3
  for both_side in file chio; do
    if [ $both_side = file ]; then both_key=$(file "$both_type"); else both_key=$(uri "$both_type"); fi
    both_seen=$(substituted "$@" 2>&1 </dev/null)
    both_ended=$?
    [ $both_ended -ne 0 ] || both_ended=ok
    [ "$both_ended" != 1 ] || both_ended=refused
    is "$both_type, $both_side: $both_name" "$both_expected" "$both_ended"
    [ "$both_expected" = "$both_ended" ] || printf '%s\n' "$both_seen" | sed 's/^/# /'
  done
}

# Runs COMMAND as above; the token's key has to end as the file key does, whatever this OpenSSL makes of it.
alike() { # NAME TYPE COMMAND...
  alike_name=$1 both_type=$2
  shift 2
  both_side=file both_key=$(file "$both_type")
  substituted "$@" >/dev/null 2>&1 </dev/null
  alike_status=$?
  both_side=chio both_key=$(uri "$both_type")
  both_seen=$(substituted "$@" 2>&1 </dev/null)
  is "$both_type: $alike_name ends as with a file key" "$alike_status" $?
}

substituted() {
  for word in "$@"; do
    shift
    set -- "$@" "$(printf '%s' "$word" | sed "s|@KEY@|$both_key|g; s|@OUT@|$CHIO_TEST_DIR/out-$both_side|g")"
  done
  "$@"
}

# How many requests of a kind chiod has served, by its log at debug level.
requests() { # MESSAGE
  grep -c "type=$1 \|type=\"$1\"\|type=$1\$" "$CHIOD_LOG"
}
