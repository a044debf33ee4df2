# Google Cloud KMS: its test server is ours, so Google's client judges it first.
GCP_TESTS = tests/kms/judge_gcp.sh tests/kms/gcp.sh tests/kms/gcp_token.sh
TESTS += $(GCP_TESTS)
EXTRA_DIST += $(GCP_TESTS) tests/kms/judge_gcp.py
