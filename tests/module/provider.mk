# The provider under the real openssl, and in test programs of its own.
PROVIDER_TESTS = \
  tests/module/provider_async.sh \
  tests/module/provider_ca.sh \
  tests/module/provider_commands.sh \
  tests/module/provider_embedded.sh \
  tests/module/provider_evp.sh \
  tests/module/provider_fork.sh \
  tests/module/provider_genpkey.sh \
  tests/module/provider_module.sh \
  tests/module/provider_refusals.sh \
  tests/module/provider_tls.sh
TESTS += $(PROVIDER_TESTS)
dist_check_SCRIPTS += $(PROVIDER_TESTS)
EXTRA_DIST += tests/module/provider.sh

check_PROGRAMS += tests/module/provider_evp
tests_module_provider_evp_SOURCES = tests/module/provider_evp.c tests/module/ossltest.h tests/support/tap.h
tests_module_provider_evp_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS)
tests_module_provider_evp_LDADD = $(CRYPTO_LIBS)

check_PROGRAMS += tests/module/provider_fork
tests_module_provider_fork_SOURCES = tests/module/provider_fork.c tests/module/ossltest.h tests/support/tap.h $(CHIOD_RUN)
tests_module_provider_fork_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS)
tests_module_provider_fork_LDADD = $(CRYPTO_LIBS)

check_PROGRAMS += tests/module/provider_async
tests_module_provider_async_SOURCES = tests/module/provider_async.c tests/module/ossltest.h tests/support/tap.h
tests_module_provider_async_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS)
tests_module_provider_async_LDADD = $(CRYPTO_LIBS)
