# Unit tests of attest/.
ATTEST_TEST_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(CRYPTO_CFLAGS) $(JANSSON_CFLAGS)
ATTEST_TEST_LIBS = attest/libchio-verify.la $(PLATFORM_LIBS) $(CMOCKA_LIBS) signer/base/libchio-base.la \
  $(CRYPTO_LIBS) $(SODIUM_LIBS) $(JANSSON_LIBS)

DCAP_RIG = tests/unit/dcap_rig.c tests/unit/dcap_rig.h
VECTORS = tests/unit/vectors.c tests/unit/vectors.h

UNIT_TESTS += tests/unit/test_attest_binding
tests_unit_test_attest_binding_SOURCES = tests/unit/test_attest_binding.c
tests_unit_test_attest_binding_CFLAGS = $(ATTEST_TEST_CFLAGS)
tests_unit_test_attest_binding_LDADD = $(ATTEST_TEST_LIBS)

UNIT_TESTS += tests/unit/test_attest_binding_judge
tests_unit_test_attest_binding_judge_SOURCES = tests/unit/test_attest_binding_judge.c
tests_unit_test_attest_binding_judge_CFLAGS = $(ATTEST_TEST_CFLAGS)
tests_unit_test_attest_binding_judge_LDADD = $(ATTEST_TEST_LIBS)

HSM_ATTEST = tests/support/hsm_attest.c tests/support/hsm_attest.h
UNIT_TESTS += tests/unit/test_attest_hsm
tests_unit_test_attest_hsm_SOURCES = tests/unit/test_attest_hsm.c $(HSM_ATTEST)
tests_unit_test_attest_hsm_CFLAGS = $(ATTEST_TEST_CFLAGS) $(ZLIB_CFLAGS)
tests_unit_test_attest_hsm_LDADD = $(ATTEST_TEST_LIBS) $(ZLIB_LIBS)

UNIT_TESTS += tests/unit/test_attest_interop
tests_unit_test_attest_interop_SOURCES = tests/unit/test_attest_interop.c
tests_unit_test_attest_interop_CFLAGS = $(ATTEST_TEST_CFLAGS) -DCHIO_SOURCE_TOP='"$(abs_top_srcdir)"'
tests_unit_test_attest_interop_LDADD = $(ATTEST_TEST_LIBS)

UNIT_TESTS += tests/unit/test_attest_containers
tests_unit_test_attest_containers_SOURCES = tests/unit/test_attest_containers.c
tests_unit_test_attest_containers_CFLAGS = $(ATTEST_TEST_CFLAGS)
tests_unit_test_attest_containers_LDADD = $(ATTEST_TEST_LIBS)

UNIT_TESTS += tests/unit/test_attest_token
tests_unit_test_attest_token_SOURCES = tests/unit/test_attest_token.c
tests_unit_test_attest_token_CFLAGS = $(ATTEST_TEST_CFLAGS)
tests_unit_test_attest_token_LDADD = $(ATTEST_TEST_LIBS)

UNIT_TESTS += tests/unit/test_attest_ear
tests_unit_test_attest_ear_SOURCES = tests/unit/test_attest_ear.c
tests_unit_test_attest_ear_CFLAGS = $(ATTEST_TEST_CFLAGS)
tests_unit_test_attest_ear_LDADD = $(ATTEST_TEST_LIBS)

UNIT_TESTS += tests/unit/test_attest_rollout
tests_unit_test_attest_rollout_SOURCES = tests/unit/test_attest_rollout.c tests/unit/attest_rig.c tests/unit/attest_rig.h
tests_unit_test_attest_rollout_CFLAGS = $(ATTEST_TEST_CFLAGS)
tests_unit_test_attest_rollout_LDADD = $(ATTEST_TEST_LIBS)

UNIT_TESTS += tests/unit/test_attest_measured
tests_unit_test_attest_measured_SOURCES = tests/unit/test_attest_measured.c $(VECTORS)
tests_unit_test_attest_measured_CFLAGS = $(ATTEST_TEST_CFLAGS) -DCHIO_SOURCE_TOP='"$(abs_top_srcdir)"'
tests_unit_test_attest_measured_LDADD = $(ATTEST_TEST_LIBS)

UNIT_TESTS += tests/unit/test_attest_roots_list
tests_unit_test_attest_roots_list_SOURCES = tests/unit/test_attest_roots_list.c $(VECTORS)
tests_unit_test_attest_roots_list_CFLAGS = $(ATTEST_TEST_CFLAGS)
tests_unit_test_attest_roots_list_LDADD = $(ATTEST_TEST_LIBS)

UNIT_TESTS += tests/unit/test_attest_cache
tests_unit_test_attest_cache_SOURCES = tests/unit/test_attest_cache.c tests/unit/attest_rig.c tests/unit/attest_rig.h
tests_unit_test_attest_cache_CFLAGS = $(ATTEST_TEST_CFLAGS)
tests_unit_test_attest_cache_LDADD = $(ATTEST_TEST_LIBS)

UNIT_TESTS += tests/unit/test_attest_fresh
tests_unit_test_attest_fresh_SOURCES = tests/unit/test_attest_fresh.c tests/unit/attest_rig.c tests/unit/attest_rig.h
tests_unit_test_attest_fresh_CFLAGS = $(ATTEST_TEST_CFLAGS)
tests_unit_test_attest_fresh_LDADD = $(ATTEST_TEST_LIBS)

UNIT_TESTS += tests/unit/test_attest_tee
tests_unit_test_attest_tee_SOURCES = tests/unit/test_attest_tee.c tests/unit/attest_rig.c tests/unit/attest_rig.h
tests_unit_test_attest_tee_CFLAGS = $(ATTEST_TEST_CFLAGS)
tests_unit_test_attest_tee_LDADD = $(ATTEST_TEST_LIBS)

UNIT_TESTS += tests/unit/test_attest_identity
tests_unit_test_attest_identity_SOURCES = tests/unit/test_attest_identity.c tests/unit/attest_rig.c tests/unit/attest_rig.h \
  $(VECTORS)
tests_unit_test_attest_identity_CFLAGS = $(ATTEST_TEST_CFLAGS)
tests_unit_test_attest_identity_LDADD = $(ATTEST_TEST_LIBS)

UNIT_TESTS += tests/unit/test_attest_roots
tests_unit_test_attest_roots_SOURCES = tests/unit/test_attest_roots.c tests/unit/attest_rig.c tests/unit/attest_rig.h $(VECTORS)
tests_unit_test_attest_roots_CFLAGS = $(ATTEST_TEST_CFLAGS)
tests_unit_test_attest_roots_LDADD = $(ATTEST_TEST_LIBS)

UNIT_TESTS += tests/unit/test_attest_json
tests_unit_test_attest_json_SOURCES = tests/unit/test_attest_json.c
tests_unit_test_attest_json_CFLAGS = $(ATTEST_TEST_CFLAGS)
tests_unit_test_attest_json_LDADD = $(ATTEST_TEST_LIBS)

UNIT_TESTS += tests/unit/test_attest_sig_alg
tests_unit_test_attest_sig_alg_SOURCES = tests/unit/test_attest_sig_alg.c
tests_unit_test_attest_sig_alg_CFLAGS = $(ATTEST_TEST_CFLAGS)
tests_unit_test_attest_sig_alg_LDADD = $(ATTEST_TEST_LIBS)

UNIT_TESTS += tests/unit/test_attest_sim
tests_unit_test_attest_sim_SOURCES = tests/unit/test_attest_sim.c
tests_unit_test_attest_sim_CFLAGS = $(ATTEST_TEST_CFLAGS)
tests_unit_test_attest_sim_LDADD = $(ATTEST_TEST_LIBS)

UNIT_TESTS += tests/unit/test_attest_sim_judged
tests_unit_test_attest_sim_judged_SOURCES = tests/unit/test_attest_sim_judged.c
tests_unit_test_attest_sim_judged_CFLAGS = $(ATTEST_TEST_CFLAGS)
tests_unit_test_attest_sim_judged_LDADD = $(ATTEST_TEST_LIBS)

UNIT_TESTS += tests/unit/test_attest_vectors
tests_unit_test_attest_vectors_SOURCES = tests/unit/test_attest_vectors.c $(VECTORS)
tests_unit_test_attest_vectors_CFLAGS = $(ATTEST_TEST_CFLAGS)
tests_unit_test_attest_vectors_LDADD = $(ATTEST_TEST_LIBS)

UNIT_TESTS += tests/unit/test_attest_verify
tests_unit_test_attest_verify_SOURCES = tests/unit/test_attest_verify.c
tests_unit_test_attest_verify_CFLAGS = $(ATTEST_TEST_CFLAGS)
tests_unit_test_attest_verify_LDADD = $(ATTEST_TEST_LIBS)

UNIT_TESTS += tests/unit/test_attest_tcb
tests_unit_test_attest_tcb_SOURCES = tests/unit/test_attest_tcb.c $(DCAP_RIG)
tests_unit_test_attest_tcb_CFLAGS = $(ATTEST_TEST_CFLAGS)
tests_unit_test_attest_tcb_LDADD = $(ATTEST_TEST_LIBS)

FORGE = tests/unit/forge.c tests/unit/forge.h

UNIT_TESTS += tests/unit/test_attest_negative
tests_unit_test_attest_negative_SOURCES = tests/unit/test_attest_negative.c $(DCAP_RIG) $(FORGE)
tests_unit_test_attest_negative_CFLAGS = $(ATTEST_TEST_CFLAGS)
tests_unit_test_attest_negative_LDADD = $(ATTEST_TEST_LIBS)

UNIT_TESTS += tests/unit/test_attest_negative_chain
tests_unit_test_attest_negative_chain_SOURCES = tests/unit/test_attest_negative_chain.c $(DCAP_RIG) $(FORGE)
tests_unit_test_attest_negative_chain_CFLAGS = $(ATTEST_TEST_CFLAGS)
tests_unit_test_attest_negative_chain_LDADD = $(ATTEST_TEST_LIBS)

UNIT_TESTS += tests/unit/test_attest_negative_snp
tests_unit_test_attest_negative_snp_SOURCES = tests/unit/test_attest_negative_snp.c tests/unit/snp_forge.c \
  tests/unit/snp_forge.h $(FORGE)
tests_unit_test_attest_negative_snp_CFLAGS = $(ATTEST_TEST_CFLAGS)
tests_unit_test_attest_negative_snp_LDADD = $(ATTEST_TEST_LIBS)

UNIT_TESTS += tests/unit/test_attest_negative_nitro
tests_unit_test_attest_negative_nitro_SOURCES = tests/unit/test_attest_negative_nitro.c $(FORGE)
tests_unit_test_attest_negative_nitro_CFLAGS = $(ATTEST_TEST_CFLAGS)
tests_unit_test_attest_negative_nitro_LDADD = $(ATTEST_TEST_LIBS)

UNIT_TESTS += tests/unit/test_attest_provenance
tests_unit_test_attest_provenance_SOURCES = tests/unit/test_attest_provenance.c $(FORGE) tests/unit/attest_rig.c \
  tests/unit/attest_rig.h
tests_unit_test_attest_provenance_CFLAGS = $(ATTEST_TEST_CFLAGS)
tests_unit_test_attest_provenance_LDADD = $(ATTEST_TEST_LIBS)

UNIT_TESTS += tests/unit/test_attest_flip
tests_unit_test_attest_flip_SOURCES = tests/unit/test_attest_flip.c $(VECTORS)
tests_unit_test_attest_flip_CFLAGS = $(ATTEST_TEST_CFLAGS)
tests_unit_test_attest_flip_LDADD = $(ATTEST_TEST_LIBS)

UNIT_TESTS += tests/unit/test_attest_negative_cloud
tests_unit_test_attest_negative_cloud_SOURCES = tests/unit/test_attest_negative_cloud.c $(FORGE) $(VECTORS)
tests_unit_test_attest_negative_cloud_CFLAGS = $(ATTEST_TEST_CFLAGS)
tests_unit_test_attest_negative_cloud_LDADD = $(ATTEST_TEST_LIBS)

UNIT_TESTS += tests/unit/test_attest_wants
tests_unit_test_attest_wants_SOURCES = tests/unit/test_attest_wants.c
tests_unit_test_attest_wants_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_attest_wants_LDADD = attest/libchio-verify.la attest/libchio-attest.la signer/base/libchio-base.la \
  $(CMOCKA_LIBS) $(CRYPTO_LIBS) $(SODIUM_LIBS) $(JANSSON_LIBS)

# Not a test: tests/unit/attest_bench EVIDENCE COLLATERAL TIME.
check_PROGRAMS += tests/unit/attest_bench
tests_unit_attest_bench_SOURCES = tests/unit/attest_bench.c
tests_unit_attest_bench_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
tests_unit_attest_bench_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=EVP_DigestVerify
tests_unit_attest_bench_LDADD = attest/libchio-verify.la $(PLATFORM_LIBS) signer/base/libchio-base.la \
  $(CRYPTO_LIBS) $(SODIUM_LIBS) $(JANSSON_LIBS)
