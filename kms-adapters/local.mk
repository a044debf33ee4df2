noinst_LTLIBRARIES += kms-adapters/libchio-kms.la
kms_adapters_libchio_kms_la_SOURCES = \
  kms-adapters/adapter.h \
  kms-adapters/azure.c kms-adapters/azure.h \
  kms-adapters/azure_attestation.c \
  kms-adapters/azure_call.c \
  kms-adapters/azure_credentials.c kms-adapters/azure_credentials.h \
  kms-adapters/azure_jwk.c \
  kms-adapters/body.c kms-adapters/body.h \
  kms-adapters/crc32c.c kms-adapters/crc32c.h \
  kms-adapters/deadline.c kms-adapters/deadline.h \
  kms-adapters/gcp.c kms-adapters/gcp.h \
  kms-adapters/gcp_account.c kms-adapters/gcp_account.h \
  kms-adapters/gcp_algorithm.c kms-adapters/gcp_algorithm.h \
  kms-adapters/gcp_call.c kms-adapters/gcp_call.h \
  kms-adapters/gcp_cipher.c kms-adapters/gcp_key.c kms-adapters/gcp_key_ring.c kms-adapters/gcp_sign.c \
  kms-adapters/gcp_credentials.c kms-adapters/gcp_credentials.h \
  kms-adapters/gcp_jwt.c kms-adapters/gcp_jwt.h \
  kms-adapters/gcp_status.c kms-adapters/gcp_status.h \
  kms-adapters/gcp_token.c kms-adapters/gcp_token.h \
  kms-adapters/http.c kms-adapters/http.h \
  kms-adapters/key_uri.c kms-adapters/key_uri.h \
  kms-adapters/lease.c kms-adapters/lease.h \
  kms-adapters/module.c kms-adapters/module.h \
  kms-adapters/module_key.c \
  kms-adapters/module_known.c \
  kms-adapters/module_cipher.c \
  kms-adapters/module_rv.c \
  kms-adapters/module_session.c \
  kms-adapters/module_sign.c \
  kms-adapters/registry.h kms-adapters/registry_find.c \
  kms-adapters/retry.c kms-adapters/retry.h \
  kms-adapters/signature_form.c kms-adapters/signature_form.h \
  kms-adapters/sigv4.c kms-adapters/sigv4.h \
  kms-adapters/trace.c kms-adapters/trace.h \
  kms-adapters/vault.c kms-adapters/vault.h \
  kms-adapters/vault_call.c kms-adapters/vault_call.h \
  kms-adapters/vault_cipher.c kms-adapters/vault_cipher.h \
  kms-adapters/vault_login.c kms-adapters/vault_login.h \
  kms-adapters/vault_reply.c kms-adapters/vault_reply.h \
  kms-adapters/vault_sign.c kms-adapters/vault_sign.h
kms_adapters_libchio_kms_la_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS) $(CRYPTO_CFLAGS) $(JANSSON_CFLAGS)
kms_adapters_libchio_kms_la_LIBADD = signer/wire/libchio-wire.la signer/base/libchio-base.la \
  $(CURL_LIBS) $(CRYPTO_LIBS) $(JANSSON_LIBS) $(P11KIT_LIBS) $(SODIUM_LIBS)

kms_adapters_libchio_kms_la_SOURCES += \
  kms-adapters/aws.c kms-adapters/aws.h \
  kms-adapters/aws_cipher.c \
  kms-adapters/aws_clock.c kms-adapters/aws_clock.h \
  kms-adapters/aws_create.c \
  kms-adapters/aws_credentials.c kms-adapters/aws_credentials.h \
  kms-adapters/aws_endpoint.c kms-adapters/aws_endpoint.h \
  kms-adapters/aws_error.c kms-adapters/aws_error.h \
  kms-adapters/aws_key.c \
  kms-adapters/aws_keys.c kms-adapters/aws_keys.h \
  kms-adapters/aws_profile.c kms-adapters/aws_profile.h \
  kms-adapters/aws_request.c kms-adapters/aws_request.h \
  kms-adapters/aws_sign.c \
  kms-adapters/aws_source.h \
  kms-adapters/aws_source_file.c \
  kms-adapters/aws_source_metadata.c \
  kms-adapters/aws_sts.c \
  kms-adapters/aws_xml.c kms-adapters/aws_xml.h
