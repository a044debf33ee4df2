/* What the tests of the AWS adapter share: an adapter in front of a scripted server. Includes cmocka for the tests. */
#ifndef CHIO_TESTS_AWS_RIG_H
#define CHIO_TESTS_AWS_RIG_H

#include "kms-adapters/aws.h"
#include "tests/support/http_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* The body of an error. */
#define REFUSAL(code) "{\"__type\": \"" code "\", \"message\": \"because\"}"

struct rig {
  struct chio_http *http;
  struct http_script *script;
  void *aws;
  struct chio_deadline deadline;
};

struct rig rig_start(const struct http_script_reply *replies, size_t count);
void rig_stop(struct rig *rig);

struct chio_key_uri uri_of(const char *text);

/* Whether the text is somewhere in the body of that request. */
bool body_has(struct rig *rig, size_t number, const char *text);

#endif
