/* What the tests of the Vault adapter share: an adapter in front of a scripted server, and replies as Vault 1.21 gives
 * them. Includes cmocka for the tests. */
#ifndef CHIO_TESTS_VAULT_RIG_H
#define CHIO_TESTS_VAULT_RIG_H

#include "kms-adapters/adapter.h"
#include "tests/support/http_script.h"
#include "tests/support/temp_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define LOOKUP {200, NULL, "{\"data\":{\"ttl\":0,\"renewable\":false,\"policies\":[\"root\"]},\"auth\":null}", 0, 0, 0}
#define SAYS(status, text) {(status), NULL, (text), 0, 0, 0}
#define DENIED "{\"errors\":[\"1 error occurred:\\n\\t* permission denied\\n\\n\"]}"
#define PEM_256                                                                              \
  "-----BEGIN PUBLIC KEY-----\\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAENNNif9P3+GJ8/YABvHWv2e273iIy\\n" \
  "7s+0RN4O1i6EnKssX/J/5OVsVlikUluSI1l6escXRlN5WVCUpe1nGwmJxg==\\n-----END PUBLIC KEY-----\\n"
#define KEY_DATA(versions, latest, more)                                                                       \
  "{\"request_id\":\"a6a76bdc\",\"data\":{\"derived\":false,\"keys\":{" versions "},\"latest_version\":" latest \
  ",\"min_decryption_version\":1,\"min_encryption_version\":0,\"name\":\"k\",\"supports_signing\":true,"        \
  "\"type\":\"ecdsa-p256\"" more "},\"warnings\":null,\"auth\":null}"
#define VERSION(n) "\"" n "\":{\"creation_time\":\"2026-11-21T16:58:49Z\",\"name\":\"P-256\",\"public_key\":\"" PEM_256 "\"}"
#define KEY_P256 KEY_DATA(VERSION("1"), "1", "")

struct vault_rig {
  struct temp_dir dir;
  char token_file[512], secret_file[512];
  struct chio_http *http;
  struct http_script *script;
  void *vault;
  struct chio_detail detail;
};

/* Opened with what the options say; endpoint and files are filled in where they are NULL. */
void vault_rig_open(struct vault_rig *rig, struct chio_backend_options options, const struct http_script_reply *replies,
                    size_t count);
#define OPEN(rig, replies) \
  vault_rig_open((rig), (struct chio_backend_options){.name = "test"}, (replies), CHIO_ARRAY_LEN(replies))
void vault_rig_close(struct vault_rig *rig);
void vault_rig_write(const char *path, const char *text);

struct chio_key_uri uri_of(const char *text);

#endif
