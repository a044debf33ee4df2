# What tests/ adds to the build; each folder of tests has its own part.
include tests/unit/local.mk
include tests/module/local.mk
include tests/daemon/local.mk
include tests/fuzz/local.mk
include tests/apps/local.mk
include tests/kms/local.mk
include tests/support/local.mk
