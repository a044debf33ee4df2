# The provider under the real openssl.
PROVIDER_TESTS = tests/module/provider_commands.sh tests/module/provider_refusals.sh
TESTS += $(PROVIDER_TESTS)
dist_check_SCRIPTS += $(PROVIDER_TESTS)
EXTRA_DIST += tests/module/provider.sh
