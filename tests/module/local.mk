# What tests/module/ adds to the build: programs and scripts that use the built modules as applications do.
P11TEST = tests/module/p11test.c tests/module/p11test.h
CHIOD_RUN = tests/support/chiod_run.c tests/support/chiod_run.h
check_PROGRAMS += tests/module/pkcs11_batch tests/module/pkcs11_conformance tests/module/pkcs11_fork \
  tests/module/pkcs11_objects tests/module/pkcs11_operations tests/module/pkcs11_restart \
  tests/module/pkcs11_round_trips tests/module/pkcs11_states tests/module/pkcs11_threads tests/module/pkcs11_two_slots
tests_module_pkcs11_batch_SOURCES = tests/module/pkcs11_batch.c $(P11TEST)
tests_module_pkcs11_conformance_SOURCES = tests/module/pkcs11_conformance.c $(P11TEST)
tests_module_pkcs11_fork_SOURCES = tests/module/pkcs11_fork.c $(P11TEST)
tests_module_pkcs11_objects_SOURCES = tests/module/pkcs11_objects.c $(P11TEST)
tests_module_pkcs11_operations_SOURCES = tests/module/pkcs11_operations.c $(P11TEST)
tests_module_pkcs11_restart_SOURCES = tests/module/pkcs11_restart.c $(P11TEST) $(CHIOD_RUN)
tests_module_pkcs11_round_trips_SOURCES = tests/module/pkcs11_round_trips.c $(P11TEST)
tests_module_pkcs11_states_SOURCES = tests/module/pkcs11_states.c $(P11TEST)
tests_module_pkcs11_threads_SOURCES = tests/module/pkcs11_threads.c $(P11TEST)
tests_module_pkcs11_two_slots_SOURCES = tests/module/pkcs11_two_slots.c $(P11TEST)
tests_module_pkcs11_restart_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS)
tests_module_pkcs11_restart_LDADD = $(CRYPTO_LIBS)

check_PROGRAMS += tests/module/client_embedded
tests_module_client_embedded_SOURCES = tests/module/client_embedded.c
tests_module_client_embedded_LDADD = signer/client/libchio-client.la signer/wire/libchio-wire.la \
  signer/base/libchio-base.la

MODULE_TESTS = \
  tests/module/attest_chio.sh \
  tests/module/attest_chio_snp.sh \
  tests/module/attest_library.sh \
  tests/module/challenges.sh \
  tests/module/chio_hsm.sh \
  tests/module/client_embedded.sh \
  tests/module/coco.sh \
  tests/module/containers.sh \
  tests/module/containers_nitro.sh \
  tests/module/containers_sgx.sh \
  tests/module/containers_snp.sh \
  tests/module/delegate.sh \
  tests/module/delegate_x509.sh \
  tests/module/results.sh \
  tests/module/signing_backend.sh \
  tests/module/rotate.sh \
  tests/module/rotation_lag.sh \
  tests/module/binding.sh \
  tests/module/evidence.sh \
  tests/module/evidence_nitro.sh \
  tests/module/evidence_sgx.sh \
  tests/module/evidence_snp.sh \
  tests/module/exports.sh \
  tests/module/fleet.sh \
  tests/module/identity.sh \
  tests/module/measure.sh \
  tests/module/p11tool.sh \
  tests/module/pkcs11_batch.sh \
  tests/module/policy_add.sh tests/module/policy_add_nitro.sh \
  tests/module/pkcs11_conformance.sh \
  tests/module/pkcs11_conformance_embedded.sh \
  tests/module/pkcs11_fork.sh \
  tests/module/pkcs11_objects.sh tests/module/pkcs11_objects_embedded.sh \
  tests/module/pkcs11_operations.sh tests/module/pkcs11_operations_embedded.sh \
  tests/module/pkcs11_restart.sh \
  tests/module/pkcs11_round_trips.sh \
  tests/module/pkcs11_states.sh \
  tests/module/pkcs11_threads.sh \
  tests/module/pkcs11_tool.sh \
  tests/module/pkcs11_two_slots.sh \
  tests/module/sign_files.sh \
  tests/module/provenance.sh
MODULE_TESTS += tests/module/bench.sh tests/module/verify_vectors.sh tests/module/report.sh tests/module/relying_party.sh \
  tests/module/report_nitro.sh tests/module/tee_package.sh
TESTS += $(MODULE_TESTS)
EXTRA_DIST += $(MODULE_TESTS)
include tests/module/provider.mk
