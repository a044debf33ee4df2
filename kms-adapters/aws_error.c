#include "kms-adapters/aws_error.h"

#include "kms-adapters/aws_xml.h"
#include "kms-adapters/body.h"
#include "kms-adapters/trace.h"

/* botocore's and the KMS API reference's lists. */
static const struct {
  const char *code;
  enum chio_aws_remedy remedy;
  enum chio_err err;
} codes[] = {
    {"ThrottlingException", CHIO_AWS_REMEDY_WAIT, CHIO_E_BUSY},
    {"Throttling", CHIO_AWS_REMEDY_WAIT, CHIO_E_BUSY},
    {"ThrottledException", CHIO_AWS_REMEDY_WAIT, CHIO_E_BUSY},
    {"RequestThrottled", CHIO_AWS_REMEDY_WAIT, CHIO_E_BUSY},
    {"RequestThrottledException", CHIO_AWS_REMEDY_WAIT, CHIO_E_BUSY},
    {"TooManyRequestsException", CHIO_AWS_REMEDY_WAIT, CHIO_E_BUSY},
    {"RequestLimitExceeded", CHIO_AWS_REMEDY_WAIT, CHIO_E_BUSY},
    {"SlowDown", CHIO_AWS_REMEDY_WAIT, CHIO_E_BUSY},
    {"KMSInternalException", CHIO_AWS_REMEDY_WAIT, CHIO_E_BACKEND_UNREACHABLE},
    {"InternalFailure", CHIO_AWS_REMEDY_WAIT, CHIO_E_BACKEND_UNREACHABLE},
    {"InternalServerError", CHIO_AWS_REMEDY_WAIT, CHIO_E_BACKEND_UNREACHABLE},
    {"ServiceUnavailable", CHIO_AWS_REMEDY_WAIT, CHIO_E_BACKEND_UNREACHABLE},
    {"DependencyTimeoutException", CHIO_AWS_REMEDY_WAIT, CHIO_E_BACKEND_UNREACHABLE},
    {"KeyUnavailableException", CHIO_AWS_REMEDY_WAIT, CHIO_E_BACKEND_UNREACHABLE},
    {"RequestTimeout", CHIO_AWS_REMEDY_WAIT, CHIO_E_TIMEOUT},
    {"RequestTimeoutException", CHIO_AWS_REMEDY_WAIT, CHIO_E_TIMEOUT},
    {"IDPCommunicationError", CHIO_AWS_REMEDY_WAIT, CHIO_E_BACKEND_UNREACHABLE},
    {"ExpiredTokenException", CHIO_AWS_REMEDY_RENEW, CHIO_E_PERMISSION},
    {"ExpiredToken", CHIO_AWS_REMEDY_RENEW, CHIO_E_PERMISSION},
    {"UnrecognizedClientException", CHIO_AWS_REMEDY_RENEW, CHIO_E_PERMISSION},
    {"InvalidClientTokenId", CHIO_AWS_REMEDY_RENEW, CHIO_E_PERMISSION},
    {"RequestExpired", CHIO_AWS_REMEDY_SET_CLOCK, CHIO_E_PERMISSION},
    {"RequestTimeTooSkewed", CHIO_AWS_REMEDY_SET_CLOCK, CHIO_E_PERMISSION},
    {"RequestInTheFuture", CHIO_AWS_REMEDY_SET_CLOCK, CHIO_E_PERMISSION},
    {"InvalidSignatureException", CHIO_AWS_REMEDY_NONE, CHIO_E_PERMISSION},
    {"SignatureDoesNotMatch", CHIO_AWS_REMEDY_NONE, CHIO_E_PERMISSION},
    {"IncompleteSignature", CHIO_AWS_REMEDY_NONE, CHIO_E_PERMISSION},
    {"IncompleteSignatureException", CHIO_AWS_REMEDY_NONE, CHIO_E_PERMISSION},
    {"MissingAuthenticationToken", CHIO_AWS_REMEDY_NONE, CHIO_E_PERMISSION},
    {"MissingAuthenticationTokenException", CHIO_AWS_REMEDY_NONE, CHIO_E_PERMISSION},
    {"AccessDenied", CHIO_AWS_REMEDY_NONE, CHIO_E_PERMISSION},
    {"AccessDeniedException", CHIO_AWS_REMEDY_NONE, CHIO_E_PERMISSION},
    {"InvalidGrantTokenException", CHIO_AWS_REMEDY_NONE, CHIO_E_PERMISSION},
    {"InvalidIdentityToken", CHIO_AWS_REMEDY_NONE, CHIO_E_PERMISSION},
    {"IDPRejectedClaim", CHIO_AWS_REMEDY_NONE, CHIO_E_PERMISSION},
    {"OptInRequired", CHIO_AWS_REMEDY_NONE, CHIO_E_PERMISSION},
    {"NotFoundException", CHIO_AWS_REMEDY_NONE, CHIO_E_NOT_FOUND},
    {"InvalidArnException", CHIO_AWS_REMEDY_NONE, CHIO_E_NOT_FOUND},
    {"AlreadyExistsException", CHIO_AWS_REMEDY_NONE, CHIO_E_EXISTS},
    {"InvalidAliasNameException", CHIO_AWS_REMEDY_NONE, CHIO_E_ATTRIBUTE_VALUE},
    {"DisabledException", CHIO_AWS_REMEDY_NONE, CHIO_E_POLICY},
    {"KMSInvalidStateException", CHIO_AWS_REMEDY_NONE, CHIO_E_POLICY},
    {"CustomKeyStoreInvalidStateException", CHIO_AWS_REMEDY_NONE, CHIO_E_POLICY},
    {"InvalidKeyUsageException", CHIO_AWS_REMEDY_NONE, CHIO_E_KEY_TYPE},
    {"UnsupportedOperationException", CHIO_AWS_REMEDY_NONE, CHIO_E_KEY_TYPE},
    {"InvalidCiphertextException", CHIO_AWS_REMEDY_NONE, CHIO_E_DATA_INVALID},
    {"IncorrectKeyException", CHIO_AWS_REMEDY_NONE, CHIO_E_DATA_INVALID},
    {"LimitExceededException", CHIO_AWS_REMEDY_NONE, CHIO_E_BUSY},
};

/* A text that a server gave, as it may stand in a message of ours. */
static void copy_printable(struct chio_slice from, char *to, size_t size) {
  size_t len = from.len < size ? from.len : size - 1;
  for (size_t i = 0; i < len; i++) to[i] = from.data[i] >= ' ' && from.data[i] <= '~' ? (char)from.data[i] : '?';
  to[len] = '\0';
}

/* "com.amazonaws.kms#Code:http://..." -> "Code" */
static void copy_code(struct chio_slice from, char to[CHIO_AWS_CODE_SIZE]) {
  const uint8_t *hash = from.len > 0 ? memchr(from.data, '#', from.len) : NULL;
  if (hash != NULL) from = chio_slice(hash + 1, from.len - (size_t)(hash + 1 - from.data));
  const uint8_t *colon = from.len > 0 ? memchr(from.data, ':', from.len) : NULL;
  if (colon != NULL) from.len = (size_t)(colon - from.data);
  copy_printable(from, to, CHIO_AWS_CODE_SIZE);
}

static bool read_json(struct chio_slice body, struct chio_aws_refusal *refusal) {
  json_t *object;
  const char *code = NULL, *message = NULL;
  if (chio_body_parse(body, "the refusal", &object, NULL) != CHIO_OK) return false;
  if (chio_body_text_if(object, "__type", &code, NULL) != CHIO_OK) code = NULL;
  if (code == NULL && chio_body_text_if(object, "code", &code, NULL) != CHIO_OK) code = NULL;
  if (chio_body_text_if(object, "message", &message, NULL) != CHIO_OK) message = NULL;
  if (message == NULL && chio_body_text_if(object, "Message", &message, NULL) != CHIO_OK) message = NULL;
  copy_code(chio_slice_str(code), refusal->code);
  copy_printable(chio_slice_str(message), refusal->message, sizeof refusal->message);
  json_decref(object);
  return true;
}

static void read_xml(struct chio_slice body, struct chio_aws_refusal *refusal) {
  struct chio_slice text;
  if (chio_aws_xml_text(body, "Code", &text) != CHIO_OK) return;
  copy_code(text, refusal->code);
  if (chio_aws_xml_text(body, "Message", &text) == CHIO_OK)
    copy_printable(text, refusal->message, sizeof refusal->message);
}

static void judge_status(struct chio_aws_refusal *refusal) {
  long status = refusal->status;
  refusal->err = CHIO_E_BACKEND;
  if (status == 429) {
    refusal->remedy = CHIO_AWS_REMEDY_WAIT;
    refusal->err = CHIO_E_BUSY;
  } else if (status == 500 || status == 502 || status == 503 || status == 504) {
    refusal->remedy = CHIO_AWS_REMEDY_WAIT;
    refusal->err = CHIO_E_BACKEND_UNREACHABLE;
  } else if (status == 401 || status == 403) {
    refusal->err = CHIO_E_PERMISSION;
  } else if (status == 404 || status == 410) {
    refusal->err = CHIO_E_NOT_FOUND;
  }
}

/* The code that stands for any signature that does not fit also stands for one that is too old. */
static bool blames_clock(const struct chio_aws_refusal *refusal) {
  bool signature =
      strcmp(refusal->code, "InvalidSignatureException") == 0 || strcmp(refusal->code, "SignatureDoesNotMatch") == 0;
  return signature && (strstr(refusal->message, "Signature expired") != NULL ||
                       strstr(refusal->message, "not yet current") != NULL);
}

void chio_aws_refusal_read(const struct chio_http_reply *reply, struct chio_aws_refusal *out_refusal) {
  struct chio_aws_refusal r = {.status = reply->status};
  struct chio_slice body = chio_buf_slice(&reply->body);
  if (!read_json(body, &r)) read_xml(body, &r);
  if (r.code[0] == '\0') copy_code(chio_http_reply_header(reply, "x-amzn-errortype"), r.code);
  chio_trace_code(chio_slice_str(r.code));
  copy_printable(chio_http_reply_header(reply, "x-amzn-requestid"), r.request_id, sizeof r.request_id);
  r.retry_after_ms = chio_http_reply_retry_after_ms(reply);
  judge_status(&r);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(codes); i++) {
    if (strcmp(codes[i].code, r.code) != 0) continue;
    r.remedy = codes[i].remedy;
    r.err = codes[i].err;
  }
  if (blames_clock(&r)) r.remedy = CHIO_AWS_REMEDY_SET_CLOCK;
  *out_refusal = r;
}
