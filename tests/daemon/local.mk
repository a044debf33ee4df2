# Tests of a real chiod on a folder of its own.
DAEMON_TESTS = \
  tests/daemon/busy_stop.sh \
  tests/daemon/collateral.sh \
  tests/daemon/config.sh \
  tests/daemon/corrupt_row.sh \
  tests/daemon/door.sh \
  tests/daemon/embedded.sh \
  tests/daemon/fips.sh \
  tests/daemon/frames.sh \
  tests/daemon/full_disk.sh \
  tests/daemon/kmsd.sh \
  tests/daemon/limits.sh \
  tests/daemon/privileges.sh \
  tests/daemon/read_only.sh \
  tests/daemon/rotate_kill.sh \
  tests/daemon/start_stop.sh \
  tests/daemon/trace.sh \
  tests/daemon/tsm.sh
TESTS += $(DAEMON_TESTS)
EXTRA_DIST += $(DAEMON_TESTS) tests/daemon/daemon.sh tests/support/fips-module tests/support/collateral_server.py
