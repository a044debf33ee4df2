# What tests/apps/ adds to the build.

dist_check_SCRIPTS += tests/apps/toml_test.sh
TESTS += tests/apps/toml_test.sh
