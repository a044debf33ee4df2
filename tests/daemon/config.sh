#!/bin/sh
# Configuration: what wins over what, and errors that name file, line and what was expected.
. "$abs_top_srcdir/tests/support/tap.sh"
. "$abs_top_srcdir/tests/daemon/daemon.sh"
dir=$(mktemp -d "${TMPDIR:-/tmp}/chio-XXXXXX") || exit 99
trap 'rm -rf "$dir"' EXIT
unset CHIO_STATE CHIO_SOCKET CHIO_PIDFILE CHIO_LOG CHIO_CONFIG CHIO_LOG_FORMAT CHIO_LOG_FILE CHIO_USER CHIO_PLATFORM

refused() { # NAME CONTENTS EXPECTED-IN-MESSAGE
  printf '%s' "$2" >"$dir/hsm.toml"
  out=$("$chiod" --config "$dir/hsm.toml" --stay-root 2>&1)
  is "$1: status" 1 $?
  contains "$1" "$3" "$out"
}

refused "an unknown key is named with its line" '# chiod
colour = "red"
' "$dir/hsm.toml:2: "
refused "a wrong type says what was expected" 'state = 5
' "$dir/hsm.toml:1: expected a string"
refused "a value out of range says the range" '[limits]
connections = 0
' "$dir/hsm.toml:2: expected an integer from 1 to 65536 for 'limits.connections'"
refused "a word that is none of the list says the list" '[log]

level = "loud"
' "$dir/hsm.toml:3: expected"
refused "a file that is no TOML says where" 'state =
' "$dir/hsm.toml:1: "
refused "a relative path is refused" 'state = "here"
' "expected an absolute path for the state folder, found 'here'"
refused "a mode that is not octal is refused" 'socket.mode = "rw"
' 'expected an octal mode such as "0660" for socket.mode'
refused "a user to allow must exist" 'state = "'"$dir"'/s"
socket.path = "'"$dir"'/c.sock"
platform = "sim-tdx"
allow.users = ["no-such-user"]
' "allow.users: there is no user 'no-such-user'"
refused "a platform must exist" 'state = "'"$dir"'/s"
socket.path = "'"$dir"'/c.sock"
platform = "abacus"
' "abacus"

out=$("$chiod" --config "$dir/none.toml" 2>&1)
contains "a file that was asked for must be there" "there is no configuration file $dir/none.toml" "$out"
out=$("$chiod" --colour red 2>&1)
contains "an unknown flag is named" "there is no flag '--colour'" "$out"
out=$("$chiod" red 2>&1)
contains "a word that is no flag is named" "'red' is no flag" "$out"
out=$("$chiod" --state 2>&1)
contains "a flag that lacks its value says which" "--state: expected DIR" "$out"
out=$("$chiod" --stay-root=yes 2>&1)
contains "a flag that takes no value says so" "--stay-root takes no value" "$out"
out=$("$chiod" --set limits.connections=many 2>&1)
contains "--set is checked like the file" "limits.connections" "$out"
out=$(CHIO_LOG=loud "$chiod" 2>&1)
contains "so is the environment, by its name" "CHIO_LOG" "$out"

# Each source leads to another socket, whose folder cannot be made: the message says which one won.
: >"$dir/file"
: >"$dir/hsm.toml"
probe() { "$chiod" --config "$dir/hsm.toml" --stay-root --state "$dir/s" "$@" 2>&1; }
echo "socket.path = \"$dir/file/of-file/s\"" >"$dir/hsm.toml"
contains "the file wins over the defaults" "file/of-file" "$(probe)"
contains "the environment wins over the file" "file/of-env" "$(CHIO_SOCKET=$dir/file/of-env/s probe)"
contains "a flag wins over the environment" "file/of-flag" "$(CHIO_SOCKET=$dir/file/of-env/s probe --socket "$dir/file/of-flag/s")"
contains "the environment names the file too" "file/of-file" \
  "$(CHIO_CONFIG=$dir/hsm.toml "$chiod" --stay-root --state "$dir/s" 2>&1)"
example=$abs_top_srcdir/signer/daemon/hsm.toml
check "the example has nothing but comments and sections" \
  sh -c '! grep -v -e "^#" -e "^$" -e "^\[[a-z]*\]$" "$1"' sh "$example"
sed 's/^#\([a-z_]* =\)/\1/' "$example" >"$dir/all.toml"
out=$("$chiod" --config "$dir/all.toml" --stay-root --state "$dir/s" --socket "$dir/file/x/s" 2>&1)
contains "and is right in all that it shows" "file/x" "$out"
plan
