# What tests/kms/ adds to the build: the KMS adapters and chio-kmsd against servers that others wrote.
EXTRA_DIST += tests/kms/servers
