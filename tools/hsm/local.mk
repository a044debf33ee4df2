# chio-hsm: one file for each command.
bin_PROGRAMS += tools/chio-hsm
tools_chio_hsm_SOURCES = \
  tools/hsm/attest.c tools/hsm/attest.h \
  tools/hsm/attest_chio.c \
  tools/hsm/attest_tee.c tools/hsm/attest_tee.h \
  tools/hsm/attest_format.c tools/hsm/attest_format.h \
  tools/hsm/binding.c tools/hsm/binding.h \
  tools/hsm/birth_papers.c tools/hsm/birth_papers.h \
  tools/hsm/challenges.c tools/hsm/challenges.h \
  tools/hsm/coco.c tools/hsm/coco.h tools/hsm/coco_check.c tools/hsm/coco_manifest.c \
  tools/hsm/collateral_pack.c tools/hsm/collateral_pack.h \
  tools/hsm/collateral.c \
  tools/hsm/command.c tools/hsm/commands.def \
  tools/hsm/delegate.c \
  tools/hsm/delegation.c tools/hsm/delegation.h \
  tools/hsm/doctor.c tools/hsm/doctor.h tools/hsm/doctor_dates.c \
  tools/hsm/each_token.c tools/hsm/each_token.h \
  tools/hsm/doctor_delegations.c \
  tools/hsm/evidence.c tools/hsm/evidence.h \
  tools/hsm/expectation.c tools/hsm/expectation.h \
  tools/hsm/export_pub.c \
  tools/hsm/file_signature.c tools/hsm/file_signature.h \
  tools/hsm/fleet.c tools/hsm/fleet.h tools/hsm/fleet_signer.c \
  tools/hsm/help.c \
  tools/hsm/hsm.h \
  tools/hsm/identity.c \
  tools/hsm/issuer.c tools/hsm/issuer.h \
  tools/hsm/json.c tools/hsm/json.h \
  tools/hsm/key.c tools/hsm/key.h \
  tools/hsm/key_destroy.c \
  tools/hsm/key_generate.c \
  tools/hsm/key_list.c \
  tools/hsm/key_name.c \
  tools/hsm/key_rotate.c \
  tools/hsm/key_reuse.c tools/hsm/key_reuse.h \
  tools/hsm/key_sign.c tools/hsm/key_sign.h \
  tools/hsm/key_state.c \
  tools/hsm/key_type.c \
  tools/hsm/main.c \
  tools/hsm/model_hash.c tools/hsm/model_hash.h \
  tools/hsm/measure.c tools/hsm/measure.h tools/hsm/measure_diff.c tools/hsm/measure_read.c \
  tools/hsm/options.c tools/hsm/options.def \
  tools/hsm/pin.c tools/hsm/pin.h \
  tools/hsm/policy.c \
  tools/hsm/policy_add.c tools/hsm/toml_edit.c tools/hsm/toml_edit.h \
  tools/hsm/program.c tools/hsm/program.h \
  tools/hsm/remedy.c \
  tools/hsm/report_coverage.c \
  tools/hsm/result_token.c tools/hsm/result_token.h \
  tools/hsm/roots.c tools/hsm/roots.h \
  tools/hsm/rotate.c tools/hsm/rotate.h \
  tools/hsm/sign.c \
  tools/hsm/sign_files.c tools/hsm/sign_files.h \
  tools/hsm/signer.c tools/hsm/signer.h \
  tools/hsm/status.c \
  tools/hsm/text.c tools/hsm/text.h \
  tools/hsm/token_init.c \
  tools/hsm/token_list.c \
  tools/hsm/uri.c \
  tools/hsm/verify.c \
  tools/hsm/verify_binding.c tools/hsm/verify_binding.h \
  tools/hsm/verify_chain.c tools/hsm/verify_chain.h \
  tools/hsm/x509_write.c tools/hsm/x509_write.h
tools_chio_hsm_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS) $(JANSSON_CFLAGS)
tools_chio_hsm_LDADD = attest/libchio-verify.la attest/libchio-platform.la attest/libchio-attest.la \
  signer/client/libchio-client.la \
  signer/wire/libchio-wire.la signer/base/libchio-base.la $(CRYPTO_LIBS) $(SODIUM_LIBS) $(JANSSON_LIBS)
dist_man_MANS += docs/man/chio-hsm.1
