# Fuzz targets. Each target: FUZZ_TARGETS, _SOURCES with $(FUZZ_MAIN), _LDFLAGS = $(FUZZ_LDFLAGS), _LDADD; its corpus in
# tests/fuzz/corpus/<name>. With --enable-fuzzing they are libFuzzer programs (tests/fuzz/run); without, each replays
# its corpus in `make check`.
FUZZ_TARGETS =
if FUZZING
FUZZ_MAIN = tests/fuzz/fuzz.h
FUZZ_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
else
FUZZ_MAIN = tests/fuzz/fuzz.h tests/fuzz/replay.c
FUZZ_LDFLAGS = $(AM_LDFLAGS)
endif

FUZZ_TARGETS += tests/fuzz/fuzz_toml
tests_fuzz_fuzz_toml_SOURCES = tests/fuzz/fuzz_toml.c $(FUZZ_MAIN)
tests_fuzz_fuzz_toml_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_toml_LDADD = signer/base/libchio-base.la

FUZZ_TARGETS += tests/fuzz/fuzz_wire
tests_fuzz_fuzz_wire_SOURCES = tests/fuzz/fuzz_wire.c $(FUZZ_MAIN)
tests_fuzz_fuzz_wire_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_wire_LDADD = signer/wire/libchio-wire.la signer/base/libchio-base.la

FUZZ_TARGETS += tests/fuzz/fuzz_traceparent
tests_fuzz_fuzz_traceparent_SOURCES = tests/fuzz/fuzz_traceparent.c $(FUZZ_MAIN)
tests_fuzz_fuzz_traceparent_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_traceparent_LDADD = signer/wire/libchio-wire.la signer/base/libchio-base.la

FUZZ_TARGETS += tests/fuzz/fuzz_backend
tests_fuzz_fuzz_backend_SOURCES = tests/fuzz/fuzz_backend.c $(FUZZ_MAIN)
tests_fuzz_fuzz_backend_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_backend_LDADD = signer/wire/libchio-wire-backend.la signer/wire/libchio-wire.la signer/base/libchio-base.la

include tests/fuzz/client.mk
include tests/fuzz/daemon.mk
include tests/fuzz/pkcs11.mk
include tests/fuzz/provider.mk
include tests/fuzz/core.mk
include tests/fuzz/attest.mk
include tests/fuzz/platform.mk
include tests/fuzz/tools.mk
include tests/fuzz/kms.mk
include tests/fuzz/kms_gcp.mk
include tests/fuzz/kms_aws.mk

check_PROGRAMS += $(FUZZ_TARGETS)
if !FUZZING
TESTS += $(FUZZ_TARGETS)
endif
EXTRA_DIST += tests/fuzz/corpus tests/fuzz/coverage tests/fuzz/run

# What tests/fuzz/run asks for.
fuzz-targets: $(FUZZ_TARGETS)
	@for t in $(FUZZ_TARGETS); do echo "$$t"; done >fuzz-targets.txt
.PHONY: fuzz-targets
CLEANFILES += fuzz-targets.txt
