# What decides in signer/core: templates, and the core driven by frames.
CORE_RIG = tests/unit/core_rig.c tests/unit/core_rig.h tests/support/temp_dir.h
CORE_TEST_LIBS = $(CMOCKA_LIBS) $(CORE_LIBS) $(JANSSON_LIBS) $(SODIUM_LIBS)

UNIT_TESTS += tests/unit/test_template
tests_unit_test_template_SOURCES = tests/unit/test_template.c
tests_unit_test_template_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_template_LDADD = $(CORE_TEST_LIBS)

UNIT_TESTS += tests/unit/test_dispatch
tests_unit_test_dispatch_SOURCES = tests/unit/test_dispatch.c $(CORE_RIG)
tests_unit_test_dispatch_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_dispatch_LDADD = $(CORE_TEST_LIBS)

OBJECTS_RIG = tests/unit/objects_rig.c tests/unit/objects_rig.h $(CORE_RIG)
UNIT_TESTS += tests/unit/test_core_objects
tests_unit_test_core_objects_SOURCES = tests/unit/test_core_objects.c $(OBJECTS_RIG)
tests_unit_test_core_objects_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_core_objects_LDADD = $(CORE_TEST_LIBS)

UNIT_TESTS += tests/unit/test_core_objects_lives
tests_unit_test_core_objects_lives_SOURCES = tests/unit/test_core_objects_lives.c $(OBJECTS_RIG)
tests_unit_test_core_objects_lives_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_core_objects_lives_LDADD = $(CORE_TEST_LIBS)

UNIT_TESTS += tests/unit/test_core_lifecycle
tests_unit_test_core_lifecycle_SOURCES = tests/unit/test_core_lifecycle.c $(CORE_RIG)
tests_unit_test_core_lifecycle_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_core_lifecycle_LDADD = $(CORE_TEST_LIBS)

UNIT_TESTS += tests/unit/test_core_evidence
tests_unit_test_core_evidence_SOURCES = tests/unit/test_core_evidence.c $(CORE_RIG)
tests_unit_test_core_evidence_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(CRYPTO_CFLAGS) $(JANSSON_CFLAGS) $(SQLITE_CFLAGS)
tests_unit_test_core_evidence_LDADD = $(CORE_TEST_LIBS) $(CRYPTO_LIBS) $(SQLITE_LIBS)

FAKE_BACKEND = tests/unit/fake_backend.c tests/unit/fake_backend.h
UNIT_TESTS += tests/unit/test_core_workload
tests_unit_test_core_workload_SOURCES = tests/unit/test_core_workload.c $(FAKE_BACKEND) $(CORE_RIG)
tests_unit_test_core_workload_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(CRYPTO_CFLAGS)
tests_unit_test_core_workload_LDADD = $(CORE_TEST_LIBS) $(CRYPTO_LIBS)

SLOT_RIG = tests/unit/slot_rig.c tests/unit/slot_rig.h $(FAKE_BACKEND) $(CORE_RIG)
UNIT_TESTS += tests/unit/test_core_backend
tests_unit_test_core_backend_SOURCES = tests/unit/test_core_backend.c $(SLOT_RIG)
tests_unit_test_core_backend_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_core_backend_LDADD = $(CORE_TEST_LIBS)

UNIT_TESTS += tests/unit/test_core_backend_use
tests_unit_test_core_backend_use_SOURCES = tests/unit/test_core_backend_use.c $(SLOT_RIG)
tests_unit_test_core_backend_use_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_core_backend_use_LDADD = $(CORE_TEST_LIBS)

UNIT_TESTS += tests/unit/test_core_new_label
tests_unit_test_core_new_label_SOURCES = tests/unit/test_core_new_label.c $(SLOT_RIG)
tests_unit_test_core_new_label_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_core_new_label_LDADD = $(CORE_TEST_LIBS)

UNIT_TESTS += tests/unit/test_core_attestation
tests_unit_test_core_attestation_SOURCES = tests/unit/test_core_attestation.c tests/support/hsm_attest.c \
  tests/support/hsm_attest.h $(FAKE_BACKEND) $(CORE_RIG)
tests_unit_test_core_attestation_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(CRYPTO_CFLAGS) $(ZLIB_CFLAGS)
tests_unit_test_core_attestation_LDADD = $(CORE_TEST_LIBS) $(CRYPTO_LIBS) $(ZLIB_LIBS)

UNIT_TESTS += tests/unit/test_batch
tests_unit_test_batch_SOURCES = tests/unit/test_batch.c $(FAKE_BACKEND) $(CORE_RIG)
tests_unit_test_batch_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_batch_LDADD = $(CORE_TEST_LIBS)

ISSUER_RIG = tests/unit/issuer_rig.c tests/unit/issuer_rig.h $(FAKE_BACKEND) $(CORE_RIG)
UNIT_TESTS += tests/unit/test_core_rotate
tests_unit_test_core_rotate_SOURCES = tests/unit/test_core_rotate.c $(ISSUER_RIG)
tests_unit_test_core_rotate_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_core_rotate_LDADD = $(CORE_TEST_LIBS)

UNIT_TESTS += tests/unit/test_core_delegation
tests_unit_test_core_delegation_SOURCES = tests/unit/test_core_delegation.c $(ISSUER_RIG)
tests_unit_test_core_delegation_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(CRYPTO_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_core_delegation_LDADD = $(CORE_TEST_LIBS)
