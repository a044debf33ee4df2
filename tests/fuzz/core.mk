# signer/core
FUZZ_TARGETS += tests/fuzz/fuzz_dispatch
tests_fuzz_fuzz_dispatch_SOURCES = tests/fuzz/fuzz_dispatch.c $(FUZZ_MAIN)
tests_fuzz_fuzz_dispatch_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_dispatch_LDADD = $(CORE_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_certificate
tests_fuzz_fuzz_certificate_SOURCES = tests/fuzz/fuzz_certificate.c $(FUZZ_MAIN)
tests_fuzz_fuzz_certificate_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_certificate_LDADD = $(CORE_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_public_key
tests_fuzz_fuzz_public_key_SOURCES = tests/fuzz/fuzz_public_key.c $(FUZZ_MAIN)
tests_fuzz_fuzz_public_key_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_public_key_LDADD = $(CORE_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_ticket
tests_fuzz_fuzz_ticket_SOURCES = tests/fuzz/fuzz_ticket.c $(FUZZ_MAIN)
tests_fuzz_fuzz_ticket_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_ticket_LDADD = $(CORE_LIBS)
