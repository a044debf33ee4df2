# What tests/apps/ adds to the build.

dist_check_SCRIPTS += tests/apps/toml_test.sh
TESTS += tests/apps/toml_test.sh

# nginx as Debian packages it, and its client.
dist_check_SCRIPTS += tests/apps/nginx.sh
TESTS += tests/apps/nginx.sh
check_PROGRAMS += tests/apps/tls_client
tests_apps_tls_client_SOURCES = tests/apps/tls_client.c
tests_apps_tls_client_CPPFLAGS = $(AM_CPPFLAGS) $(SSL_CFLAGS)
tests_apps_tls_client_LDADD = $(SSL_LIBS) $(CRYPTO_LIBS)
