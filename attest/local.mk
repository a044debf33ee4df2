# attest/: evidence in and out. Links libcrypto, jansson and libcbor; includes only signer/base.
noinst_LTLIBRARIES += attest/libchio-attest.la
attest_libchio_attest_la_SOURCES = \
  attest/azure.c attest/azure.h \
  attest/bundle.c attest/bundle.h \
  attest/cbor.c attest/cbor.h \
  attest/cbor_write.c attest/cbor_write.h \
  attest/cose_sign1.c attest/cose_sign1.h \
  attest/crypto.c attest/crypto.h \
  attest/dcap.h \
  attest/der_write.c attest/der_write.h \
  attest/ecdsa.c attest/ecdsa.h \
  attest/event_log.c attest/event_log.h \
  attest/hcl.c attest/hcl.h \
  attest/in_toto.c attest/in_toto.h \
  attest/interop_quote.c attest/interop_quote.h \
  attest/jcs.c attest/jcs.h \
  attest/json.c attest/json.h \
  attest/nitro.c attest/nitro.h \
  attest/sigstruct.c attest/sigstruct.h \
  attest/tpm.c attest/tpm.h
attest_libchio_attest_la_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS) $(JANSSON_CFLAGS) $(CBOR_CFLAGS)
attest_libchio_attest_la_LIBADD = $(CRYPTO_LIBS) $(JANSSON_LIBS) $(CBOR_LIBS) -lm

# What makes evidence: the platforms, real and simulated. Links the library above, signer/base and, where it was found,
# tpm2-tss besides.
noinst_LTLIBRARIES += attest/libchio-platform.la
attest_libchio_platform_la_SOURCES = \
  attest/hardware.c attest/hardware.h attest/hw_azure.c attest/hw_nitro.c attest/hw_sgx.c attest/hw_snp.c attest/hw_tdx.c \
  attest/measurement.c attest/measurement.h \
  attest/node.c attest/node.h \
  attest/nsm.c attest/nsm.h \
  attest/platform.c attest/platform.h attest/platform_backend.h \
  attest/sev_guest.c attest/sev_guest.h \
  attest/sim_dcap.c attest/sim_dcap.h \
  attest/sim_interop.c attest/sim_interop.h \
  attest/sim_nitro.c \
  attest/sim_pki.c attest/sim_pki.h \
  attest/sim_machine.c attest/sim_machine.h \
  attest/sim_sgx.c \
  attest/sim_snp.c attest/sim_snp.h \
  attest/sim_tdx.c attest/sim_tdx.h \
  attest/snp_certs.c attest/snp_certs.h \
  attest/tsm.c attest/tsm.h \
  attest/vtpm.h
if HAVE_TSS
attest_libchio_platform_la_SOURCES += attest/vtpm_esys.c
EXTRA_DIST += attest/vtpm_none.c
else
attest_libchio_platform_la_SOURCES += attest/vtpm_none.c
EXTRA_DIST += attest/vtpm_esys.c
endif
attest_libchio_platform_la_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS) $(JANSSON_CFLAGS) $(CBOR_CFLAGS) $(TSS_CFLAGS)
attest_libchio_platform_la_LIBADD = $(CRYPTO_LIBS) $(CBOR_LIBS)
# For programs that open platforms.
PLATFORM_LIBS = attest/libchio-platform.la attest/libchio-attest.la $(TSS_LIBS)

# What judges evidence: the verifier, without what makes it. Links signer/base and the library above besides.
noinst_LTLIBRARIES += attest/libchio-verify.la
attest_libchio_verify_la_SOURCES = \
  attest/anchor.c \
  attest/azure_judge.c \
  attest/binding.c attest/binding.h \
  attest/binding_judge.c attest/binding_only.c \
  attest/bundle_judge.c \
  attest/cache.c \
  attest/cavium.c attest/cavium.h \
  attest/cavium_chain.c attest/cavium_chain.h \
  attest/cavium_doc.c attest/cavium_doc.h \
  attest/cavium_judge.c \
  attest/cavium_key.c attest/cavium_key.h \
  attest/cert_set.c attest/cert_set.h \
  attest/chio_attest.h \
  attest/cmw.c attest/cmw.h \
  attest/cmw_judge.c \
  attest/collateral.c attest/collateral.h \
  attest/csr.c attest/csr.h \
  attest/dcap_judge.c \
  attest/dcap_pck.c attest/dcap_pck.h \
  attest/dcap_policy.c attest/dcap_policy.h \
  attest/dcap_quote.c attest/dcap_quote.h \
  attest/dcap_tcb.c attest/dcap_tcb.h \
  attest/dcap_tcb_info.c attest/dcap_tcb_info.h \
  attest/der.c attest/der.h \
  attest/cose_key.c attest/cose_key.h \
  attest/ear.c attest/ear.h \
  attest/ear_cwt.c \
  attest/ear_judge.c \
  attest/ear_jwt.c \
  attest/ear_token.h \
  attest/eif.c attest/eif.h \
  attest/eif_signature.c attest/eif_signature.h \
  attest/evidence.c \
  attest/identity.c attest/identity.h attest/identity_judge.c \
  attest/fresh.c \
  attest/fresh_list.c attest/fresh_list.h \
  attest/fresh_table.c attest/fresh_table.h \
  attest/inflate.c attest/inflate.h \
  attest/interop_judge.c \
  attest/judge.c attest/judge.h \
  attest/jwk.c attest/jwk.h \
  attest/jws.c attest/jws.h \
  attest/jwk_write.c attest/jwk_write.h \
  attest/keccak.c attest/keccak.h \
  attest/maa.c attest/maa.h \
  attest/measurement_map.c \
  attest/maa_request.c attest/maa_request.h \
  attest/moment.c attest/moment.h \
  attest/nitro_judge.c \
  attest/pem.c attest/pem.h \
  attest/policy.h attest/policy_digest.c attest/policy_draft.c \
  attest/policy_explain.c attest/policy_judge.c attest/policy_read.c \
  attest/policy_claims.c \
  attest/policy_file.c attest/policy_file.h \
  attest/policy_provenance.c \
  attest/policy_rollout.c \
  attest/policy_rules.c attest/policy_rules.h \
  attest/provenance.c attest/provenance.h \
  attest/pubkey.c attest/pubkey.h \
  attest/pubkey_write.c attest/pubkey_write.h \
  attest/ratls.c attest/ratls.h \
  attest/request.c \
  attest/result.c \
  attest/roots.c \
  attest/rollout.c \
  attest/sig_alg.c \
  attest/snp.c attest/snp.h \
  attest/snp_judge.c \
  attest/snp_policy.c attest/snp_policy.h \
  attest/snp_table.c attest/snp_table.h \
  attest/snp_vek.c attest/snp_vek.h \
  attest/tee_package.c attest/tee_package.h \
  attest/user_data.c \
  attest/vendor_certs.c \
  attest/verify.c \
  attest/token_rules.c attest/token_rules.h \
  attest/wants.c attest/wants.h \
  attest/x509.c attest/x509.h
attest_libchio_verify_la_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS) $(ZLIB_CFLAGS)
attest_libchio_verify_la_LIBADD = $(CRYPTO_LIBS) $(ZLIB_LIBS)
dist_man_MANS += docs/man/chio-policy.5

# What others link: the verifier with its public functions alone.
lib_LTLIBRARIES += libchio-attest.la
libchio_attest_la_SOURCES = attest/version.c
libchio_attest_la_CPPFLAGS = $(AM_CPPFLAGS) -DCHIO_ATTEST_VERSION='"$(PACKAGE_VERSION)"'
libchio_attest_la_LDFLAGS = $(AM_LDFLAGS) $(CHIO_NO_UNDEFINED) -version-info 0:0:0 \
  -Wl,--version-script=$(srcdir)/attest/libchio-attest.map
libchio_attest_la_LIBADD = attest/libchio-verify.la attest/libchio-attest.la signer/base/libchio-base.la $(CRYPTO_LIBS) \
  $(SODIUM_LIBS) $(JANSSON_LIBS)
EXTRA_libchio_attest_la_DEPENDENCIES = $(srcdir)/attest/libchio-attest.map
EXTRA_DIST += attest/libchio-attest.map
include_HEADERS += attest/chio_attest.h
pkgconfig_DATA += attest/chio-attest.pc
dist_man_MANS += docs/man/libchio-attest.3
