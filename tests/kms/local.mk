# What tests/kms/ adds to the build: the KMS adapters and chio-kmsd against servers that others wrote.
KMS_TESTS = tests/kms/azure.sh tests/kms/azure_release.sh
KMS_TESTS += tests/kms/matrix.sh
KMS_TESTS += tests/kms/aws_localstack.sh tests/kms/aws_ministack.sh tests/kms/aws_moto.sh tests/kms/seal_kms.sh
KMS_TESTS += tests/kms/openssl_aws.sh
KMS_TESTS += tests/kms/proxy.sh
KMS_TESTS += tests/kms/hsm_attestation.sh
KMS_TESTS += tests/kms/softhsm.sh
KMS_TESTS += tests/kms/token.sh
KMS_TESTS += tests/kms/vault.sh
KMS_TESTS += tests/kms/vault_issuer.sh
TESTS += $(KMS_TESTS)
EXTRA_DIST += tests/kms
EXTRA_DIST += $(KMS_TESTS) tests/kms/judge_azure.py tests/kms/judge_hsm.py
include tests/kms/gcp.mk
