# What tests/kms/ adds to the build: the KMS adapters and chio-kmsd against servers that others wrote.
EXTRA_DIST += tests/kms/servers
KMS_TESTS = tests/kms/azure.sh
TESTS += $(KMS_TESTS)
EXTRA_DIST += $(KMS_TESTS) tests/kms/judge_azure.py
