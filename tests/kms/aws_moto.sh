#!/bin/sh
# AWS: who may do what. moto recomputes each signature with Amazon's botocore and asks the IAM policy.
# What it cannot show: right signatures, because it hashes a digest again (which here serves to show that this is found
# out; ministack and localstack have the right ones); states (a disabled key signs there); and clocks (it looks at none).
set -u
. "$abs_top_srcdir/tests/support/tap.sh"
. "$abs_top_srcdir/tests/kms/use.sh"
use_server moto

key=awskms:///$CHIO_TEST_MOTO_KEY
alias=awskms:///alias/chio-test
unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_PROFILE AWS_REGION AWS_DEFAULT_REGION AWS_ROLE_ARN \
  AWS_WEB_IDENTITY_TOKEN_FILE AWS_ENDPOINT_URL AWS_ENDPOINT_URL_KMS AWS_ENDPOINT_URL_STS AWS_CONFIG_FILE \
  AWS_SHARED_CREDENTIALS_FILE AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_CONTAINER_CREDENTIALS_RELATIVE_URI 2>/dev/null
HOME=$use_dir
AWS_EC2_METADATA_DISABLED=true
export HOME AWS_EC2_METADATA_DISABLED

aws() {
  adapter aws --endpoint "$CHIO_TEST_MOTO_ENDPOINT" --auth-endpoint "$CHIO_TEST_MOTO_ENDPOINT" --region us-east-1 "$@"
}

# As somebody: ID SECRET COMMAND...
as() {
  (
    AWS_ACCESS_KEY_ID=$1 AWS_SECRET_ACCESS_KEY=$2
    export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
    shift 2
    "$@"
  )
}

user() {
  as "$CHIO_TEST_MOTO_USER_ID" "$CHIO_TEST_MOTO_USER_SECRET" aws "$@"
}

nobody() {
  as "$CHIO_TEST_MOTO_NOBODY_ID" "$CHIO_TEST_MOTO_NOBODY_SECRET" aws "$@"
}

# The next so many calls are not checked.
unchecked() {
  curl -s -f --max-time 5 -H 'Content-Type: text/plain' --data "$1" "$CHIO_TEST_MOTO_ENDPOINT/moto-api/reset-auth" >/dev/null
}

check "a user of IAM is known by signature" user health
check "and may look at a key by its alias" user describe "$alias"
check "a call that names a trace is known by signature as well" \
  user --traceparent 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 health
check "and by its ARN" user describe "$key"
check "and make one, under a name" user create ec 384 made/by-test
check "whose name is then taken" fails_with "EXISTS: aws 'test': alias/made/by-test is taken" user create ec 256 made/by-test
contains "and list it" "awskms:///arn:aws:kms:us-east-1:123456789012:key/" "$(user list)"
check "and get random bytes" user --count 3 random 2000
printf 'some secret' >"$use_dir/plain"
sealing=$(as "$CHIO_TEST_MOTO_USER_ID" "$CHIO_TEST_MOTO_USER_SECRET" env AWS_DEFAULT_REGION=us-east-1 \
  "$CHIO_TEST_MOTO_PYTHON" -c "import boto3
print(boto3.client('kms', endpoint_url='$CHIO_TEST_MOTO_ENDPOINT').create_key()['KeyMetadata']['Arn'])")
seal() { user encrypt "awskms:///$sealing" symmetric "$1" <"$use_dir/plain" >"$use_dir/sealed"; }
opens() { user decrypt "awskms:///$sealing" symmetric "$1" <"$use_dir/sealed" | cmp - "$use_dir/plain"; }
check "what is sealed under a context" seal context
check "opens under it" opens context
check "and under no other" fails_with "DATA_INVALID" opens other

check "a signature over a digest that was hashed again is found out" fails_with "SIGNATURE_INVALID" user sign "$key" ECDSA

check "a wrong secret is refused" fails_with "PERMISSION: aws 'test': ListKeys: HTTP 403 SignatureDoesNotMatch" \
  as "$CHIO_TEST_MOTO_USER_ID" wrong aws health
check "and its refusal names no secret" fails_with "SignatureDoesNotMatch" as "$CHIO_TEST_MOTO_USER_ID" wrong aws health
check "an unknown key is refused" fails_with "InvalidClientTokenId" as AKIAUNKNOWNUNKNOWN12 secret aws health
check "the secret of another is refused" fails_with "SignatureDoesNotMatch" \
  as "$CHIO_TEST_MOTO_USER_ID" "$CHIO_TEST_MOTO_NOBODY_SECRET" aws health
check "who has no policy is known" nobody health
check "but may not look" fails_with "PERMISSION: aws 'test': GetPublicKey key/" nobody describe "$key"
check "nor list" fails_with "HTTP 403 AccessDenied" nobody list
check "nor make keys" fails_with "HTTP 403 AccessDenied" nobody create ec 256
check "no credentials at all say where they were looked for" fails_with "AWS_ACCESS_KEY_ID is not set; there is no profile" \
  aws health
AWS_SESSION_TOKEN=forged
export AWS_SESSION_TOKEN
check "a session token that was made up is refused" fails_with "PERMISSION" \
  as "$CHIO_TEST_MOTO_USER_ID" "$CHIO_TEST_MOTO_USER_SECRET" aws health
unset AWS_SESSION_TOKEN

mkdir -p "$use_dir/.aws"
cat >"$use_dir/.aws/credentials" <<FILE
[default]
aws_access_key_id = $CHIO_TEST_MOTO_USER_ID
aws_secret_access_key = $CHIO_TEST_MOTO_USER_SECRET
[nobody]
aws_access_key_id = $CHIO_TEST_MOTO_NOBODY_ID
aws_secret_access_key = $CHIO_TEST_MOTO_NOBODY_SECRET
[process]
credential_process = /bin/false
FILE
check "the shared file's default profile is used" aws describe "$key"
check "and the one that AWS_PROFILE names" fails_with "AccessDenied" env AWS_PROFILE=nobody \
  "$abs_top_builddir/tests/support/use_adapter" aws --endpoint "$CHIO_TEST_MOTO_ENDPOINT" --region us-east-1 describe "$key"
check "a credential_process is not run" fails_with "credential_process is refused: it would run a program" \
  env AWS_PROFILE=process "$abs_top_builddir/tests/support/use_adapter" aws --endpoint "$CHIO_TEST_MOTO_ENDPOINT" \
  --region us-east-1 health
rm "$use_dir/.aws/credentials"

# STS fails with authentication on: its one call goes unchecked, what follows is checked with what it gave.
assume() {
  unchecked 1 && user --role "$CHIO_TEST_MOTO_ROLE" "$@"
}
check "a role is taken on, and its session signs for what the role may do" assume describe "$key"
check "and for nothing else" fails_with "AccessDenied" assume list
printf 'header.claims.signature\n' >"$use_dir/token"
by_token() {
  unchecked 1 && aws --auth web-identity --token-file "$use_dir/token" --role "$CHIO_TEST_MOTO_ROLE" "$@"
}
check "a web identity token brings a session" by_token describe "$key"
check "which may do no more than its role" fails_with "AccessDenied" by_token list

# moto's metadata service answers whatever Host it is asked by, and its session is known to nobody.
unset AWS_EC2_METADATA_DISABLED
instance() {
  adapter aws --endpoint "$CHIO_TEST_MOTO_ENDPOINT" --region us-east-1 --auth instance \
    --auth-endpoint "$CHIO_TEST_MOTO_ENDPOINT" "$@"
}
check "an instance's credentials come by IMDSv2, and KMS does not know these" fails_with "InvalidClientTokenId" instance health
unchecked 1000
check "where nobody checks, they do" instance describe "$key"

plan
