# attest's platforms: what hosts and drivers answer
FUZZ_TARGETS += tests/fuzz/fuzz_snp_certs
tests_fuzz_fuzz_snp_certs_SOURCES = tests/fuzz/fuzz_snp_certs.c $(FUZZ_MAIN)
tests_fuzz_fuzz_snp_certs_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
tests_fuzz_fuzz_snp_certs_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_snp_certs_LDADD = $(FUZZ_ATTEST_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_nsm
tests_fuzz_fuzz_nsm_SOURCES = tests/fuzz/fuzz_nsm.c $(FUZZ_MAIN)
tests_fuzz_fuzz_nsm_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_nsm_LDADD = $(FUZZ_ATTEST_LIBS)
