DAEMON_LIBS = signer/daemon/libchio-daemon.la signer/wire/libchio-wire-backend.la $(CORE_LIBS)

# chiod, and the same core as a module that the client loads (embedded mode).
noinst_LTLIBRARIES += signer/daemon/libchio-daemon.la
signer_daemon_libchio_daemon_la_SOURCES = \
  signer/daemon/boot_file.c signer/daemon/boot_file.h \
  signer/daemon/collateral.c signer/daemon/collateral.h \
  signer/daemon/door.c signer/daemon/door.h \
  signer/daemon/front.c signer/daemon/front.h \
  signer/daemon/link.c signer/daemon/link.h \
  signer/daemon/listen.c signer/daemon/listen.h \
  signer/daemon/notify.c signer/daemon/notify.h \
  signer/daemon/options.c signer/daemon/options.h signer/daemon/options_flags.c \
  signer/daemon/options_backend.c signer/daemon/options_backend.h \
  signer/daemon/peer.c signer/daemon/peer.h \
  signer/daemon/pool.c signer/daemon/pool.h \
  signer/daemon/process.c signer/daemon/process.h \
  signer/daemon/reach.c signer/daemon/reach.h signer/daemon/reach_calls.c signer/daemon/reach_link.h \
  signer/daemon/reach_ask.c signer/daemon/reach_state.h \
  signer/daemon/reach_frame.c signer/daemon/reach_frame.h \
  signer/daemon/reader.c signer/daemon/reader.h \
  signer/daemon/request_log.c signer/daemon/request_log.h \
  signer/base/filter.c signer/base/filter.h \
  signer/daemon/sandbox.c signer/daemon/sandbox.def signer/daemon/sandbox.h \
  signer/daemon/server.c signer/daemon/server.h \
  signer/daemon/spawner.c signer/daemon/spawner.h
signer_daemon_libchio_daemon_la_CPPFLAGS = $(AM_CPPFLAGS) $(SECCOMP_CFLAGS)
signer_daemon_libchio_daemon_la_LIBADD = $(SECCOMP_LIBS)

sbin_PROGRAMS += signer/daemon/chiod
signer_daemon_chiod_SOURCES = signer/daemon/main.c
signer_daemon_chiod_LDADD = $(DAEMON_LIBS)

chiolib_LTLIBRARIES += signer/daemon/chio-embedded.la
signer_daemon_chio_embedded_la_SOURCES = signer/daemon/embedded.c
signer_daemon_chio_embedded_la_LIBADD = $(DAEMON_LIBS)
# Never unloaded: the core's threads and libcrypto's own exit handlers would outlive it.
signer_daemon_chio_embedded_la_LDFLAGS = $(CHIO_MODULE_LDFLAGS) -Wl,-z,nodelete \
  -Wl,--version-script=$(srcdir)/signer/daemon/embedded.map
EXTRA_signer_daemon_chio_embedded_la_DEPENDENCIES = signer/daemon/embedded.map
EXTRA_DIST += signer/daemon/embedded.map

# The service, its user, and an example of its configuration.
systemdunitdir = $(prefix)/lib/systemd/system
systemdunit_DATA = signer/daemon/chiod.service
sysusersdir = $(prefix)/lib/sysusers.d
dist_sysusers_DATA = signer/daemon/sysusers.d/chio.conf
exampledir = $(docdir)/examples
dist_example_DATA = signer/daemon/hsm.toml signer/daemon/chiod-kms.conf
EXTRA_DIST += signer/daemon/chiod.service.in
CLEANFILES += signer/daemon/chiod.service
signer/daemon/chiod.service: signer/daemon/chiod.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) signer/daemon && sed 's|@sbindir[@]|$(sbindir)|' $(srcdir)/signer/daemon/chiod.service.in >$@

dist_man_MANS += docs/man/chio-kmsd.8 docs/man/chiod.8 docs/man/hsm.toml.5
EXTRA_DIST += docs/sandbox.md
