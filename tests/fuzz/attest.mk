# attest
FUZZ_ATTEST_LIBS = attest/libchio-verify.la $(PLATFORM_LIBS) signer/base/libchio-base.la $(CRYPTO_LIBS) \
  $(JANSSON_LIBS) $(SODIUM_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_evidence
tests_fuzz_fuzz_evidence_SOURCES = tests/fuzz/fuzz_evidence.c $(FUZZ_MAIN)
tests_fuzz_fuzz_evidence_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_evidence_LDADD = $(FUZZ_ATTEST_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_collateral
tests_fuzz_fuzz_collateral_SOURCES = tests/fuzz/fuzz_collateral.c $(FUZZ_MAIN)
tests_fuzz_fuzz_collateral_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_collateral_LDADD = $(FUZZ_ATTEST_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_hsm
tests_fuzz_fuzz_hsm_SOURCES = tests/fuzz/fuzz_hsm.c $(FUZZ_MAIN)
tests_fuzz_fuzz_hsm_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_hsm_LDADD = $(FUZZ_ATTEST_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_json
tests_fuzz_fuzz_json_SOURCES = tests/fuzz/fuzz_json.c $(FUZZ_MAIN)
tests_fuzz_fuzz_json_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_json_LDADD = $(FUZZ_ATTEST_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_measurement_map
tests_fuzz_fuzz_measurement_map_SOURCES = tests/fuzz/fuzz_measurement_map.c $(FUZZ_MAIN)
tests_fuzz_fuzz_measurement_map_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_measurement_map_LDADD = $(FUZZ_ATTEST_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_policy
tests_fuzz_fuzz_policy_SOURCES = tests/fuzz/fuzz_policy.c $(FUZZ_MAIN)
tests_fuzz_fuzz_policy_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_policy_LDADD = $(FUZZ_ATTEST_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_cmw
tests_fuzz_fuzz_cmw_SOURCES = tests/fuzz/fuzz_cmw.c $(FUZZ_MAIN)
tests_fuzz_fuzz_cmw_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_cmw_LDADD = $(FUZZ_ATTEST_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_csr
tests_fuzz_fuzz_csr_SOURCES = tests/fuzz/fuzz_csr.c $(FUZZ_MAIN)
tests_fuzz_fuzz_csr_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_csr_LDADD = $(FUZZ_ATTEST_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_token
tests_fuzz_fuzz_token_SOURCES = tests/fuzz/fuzz_token.c $(FUZZ_MAIN)
tests_fuzz_fuzz_token_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_token_LDADD = $(FUZZ_ATTEST_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_ratls
tests_fuzz_fuzz_ratls_SOURCES = tests/fuzz/fuzz_ratls.c $(FUZZ_MAIN)
tests_fuzz_fuzz_ratls_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_ratls_LDADD = $(FUZZ_ATTEST_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_wants
tests_fuzz_fuzz_wants_SOURCES = tests/fuzz/fuzz_wants.c $(FUZZ_MAIN)
tests_fuzz_fuzz_wants_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_wants_LDADD = $(FUZZ_ATTEST_LIBS)
FUZZ_TARGETS += tests/fuzz/fuzz_tee_package
tests_fuzz_fuzz_tee_package_SOURCES = tests/fuzz/fuzz_tee_package.c $(FUZZ_MAIN)
tests_fuzz_fuzz_tee_package_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_tee_package_LDADD = $(FUZZ_ATTEST_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_fresh
tests_fuzz_fuzz_fresh_SOURCES = tests/fuzz/fuzz_fresh.c $(FUZZ_MAIN)
tests_fuzz_fuzz_fresh_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_fresh_LDADD = $(FUZZ_ATTEST_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_provenance
tests_fuzz_fuzz_provenance_SOURCES = tests/fuzz/fuzz_provenance.c $(FUZZ_MAIN)
tests_fuzz_fuzz_provenance_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_provenance_LDADD = $(FUZZ_ATTEST_LIBS)
