# What chio-hsm reads besides evidence.
FUZZ_TARGETS += tests/fuzz/fuzz_eif
tests_fuzz_fuzz_eif_SOURCES = tests/fuzz/fuzz_eif.c $(FUZZ_MAIN)
tests_fuzz_fuzz_eif_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_eif_LDADD = $(FUZZ_ATTEST_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_event_log
tests_fuzz_fuzz_event_log_SOURCES = tests/fuzz/fuzz_event_log.c $(FUZZ_MAIN)
tests_fuzz_fuzz_event_log_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_event_log_LDADD = $(FUZZ_ATTEST_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_sigstruct
tests_fuzz_fuzz_sigstruct_SOURCES = tests/fuzz/fuzz_sigstruct.c $(FUZZ_MAIN)
tests_fuzz_fuzz_sigstruct_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_sigstruct_LDADD = $(FUZZ_ATTEST_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_toml_edit
tests_fuzz_fuzz_toml_edit_SOURCES = tests/fuzz/fuzz_toml_edit.c tools/hsm/toml_edit.c tools/hsm/toml_edit.h $(FUZZ_MAIN)
tests_fuzz_fuzz_toml_edit_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_toml_edit_LDADD = signer/base/libchio-base.la
