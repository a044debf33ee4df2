# Google Cloud KMS: its test server is ours, so Google's client judges it first.
TESTS += tests/kms/judge_gcp.sh
EXTRA_DIST += tests/kms/judge_gcp.sh tests/kms/judge_gcp.py
