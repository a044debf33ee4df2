#include "kms-adapters/aws_profile.h"
#include "kms-adapters/aws_source.h"
#include "kms-adapters/body.h"

#include <stdio.h>
#include <stdlib.h>

#define PATH_SIZE 1024u
#define VALUE_SIZE 1024u
#define PROFILES_DEEP 5u /* source_profile of source_profile ... */

enum chio_err chio_aws_from_environment(const struct chio_aws_source *source, const struct chio_deadline *deadline,
                                        struct chio_aws_found *out_found, struct chio_detail *detail) {
  (void)source;
  (void)deadline;
  const char *access_key = secure_getenv("AWS_ACCESS_KEY_ID");
  const char *secret_key = secure_getenv("AWS_SECRET_ACCESS_KEY");
  const char *token = secure_getenv("AWS_SESSION_TOKEN");
  struct chio_detail why = {.text = ""};
  if (access_key == NULL && secret_key == NULL)
    return chio_fail(detail, CHIO_E_NOT_FOUND, "AWS_ACCESS_KEY_ID is not set");
  struct chio_secret *block;
  enum chio_err err = chio_aws_keys_pack(chio_slice_str(access_key), chio_slice_str(secret_key), chio_slice_str(token),
                                         &block, &why);
  if (err != CHIO_OK)
    return chio_fail(detail, err == CHIO_E_MALFORMED ? CHIO_E_PERMISSION : err, "environment: %s", why.text);
  *out_found = (struct chio_aws_found){block, 0};
  return CHIO_OK;
}

/* The two files, read for one look-up. */
struct files {
  struct chio_secret *credentials, *config;
  struct chio_aws_profiles profiles;
};

static void files_free(struct files *files) {
  chio_secret_free(files->credentials);
  chio_secret_free(files->config);
}

/* A file that was named must be there; one at its usual place need not be. */
static enum chio_err read_one(const char *named, const char *usual, struct chio_secret **out_file,
                              struct chio_detail *detail) {
  char path[PATH_SIZE];
  struct chio_detail why = {.text = ""};
  const char *home = secure_getenv("HOME");
  if (named == NULL && (home == NULL || snprintf(path, sizeof path, "%s/.aws/%s", home, usual) >= (int)sizeof path))
    return CHIO_OK;
  enum chio_err err = chio_secret_file(named != NULL ? named : path, CHIO_AWS_PROFILE_FILE_MAX, out_file, &why);
  if (err == CHIO_OK || err == CHIO_E_NO_MEMORY) return err;
  if (named == NULL && (err == CHIO_E_NOT_FOUND || err == CHIO_E_PERMISSION)) return CHIO_OK;
  return chio_fail(detail, CHIO_E_PERMISSION, "credentials file: %s", why.text);
}

static enum chio_err files_read(const struct chio_aws_source *source, struct files *out_files,
                                struct chio_detail *detail) {
  struct files files = {NULL, NULL, {{NULL, 0}, {NULL, 0}}};
  const char *named = source->credentials_file;
  if (named == NULL) named = secure_getenv("AWS_SHARED_CREDENTIALS_FILE");
  enum chio_err err = read_one(named, "credentials", &files.credentials, detail);
  if (err == CHIO_OK) err = read_one(secure_getenv("AWS_CONFIG_FILE"), "config", &files.config, detail);
  if (err != CHIO_OK) {
    files_free(&files);
    return err;
  }
  files.profiles =
      (struct chio_aws_profiles){chio_secret_slice(files.credentials), chio_secret_slice(files.config)};
  *out_files = files;
  return CHIO_OK;
}

static const char *profile_in_use(void) {
  const char *name = secure_getenv("AWS_PROFILE");
  return name != NULL && name[0] != '\0' ? name : "default";
}

/* A setting that is no secret, as a string; false: not there, or longer than it may be. */
static bool setting(const struct files *files, const char *profile, const char *key, char out[VALUE_SIZE]) {
  struct chio_slice value = chio_aws_profile_get(&files->profiles, profile, key);
  if (value.len == 0 || value.len >= VALUE_SIZE || memchr(value.data, '\0', value.len) != NULL) return false;
  memcpy(out, value.data, value.len);
  out[value.len] = '\0';
  return true;
}

void chio_aws_profile_setting(const struct chio_aws_source *source, const char *key, char *out, size_t size) {
  struct files files;
  char value[VALUE_SIZE];
  out[0] = '\0';
  if (files_read(source, &files, NULL) != CHIO_OK) return;
  if (setting(&files, profile_in_use(), key, value) && strlen(value) < size) memcpy(out, value, strlen(value) + 1);
  files_free(&files);
}

/* One look-up through the profiles. */
struct lookup {
  const struct chio_aws_source *source;
  const struct files *files;
  const struct chio_deadline *deadline;
};

static enum chio_err static_keys(const struct lookup *l, const char *profile, struct chio_aws_found *out_found,
                                 struct chio_detail *detail) {
  struct chio_detail why = {.text = ""};
  struct chio_slice access_key = chio_aws_profile_get(&l->files->profiles, profile, "aws_access_key_id");
  struct chio_slice secret_key = chio_aws_profile_get(&l->files->profiles, profile, "aws_secret_access_key");
  struct chio_slice token = chio_aws_profile_get(&l->files->profiles, profile, "aws_session_token");
  if (access_key.len == 0 && secret_key.len == 0)
    return chio_fail(detail, CHIO_E_NOT_FOUND, "profile '%s' has no keys", profile);
  struct chio_secret *block;
  enum chio_err err = chio_aws_keys_pack(access_key, secret_key, token, &block, &why);
  if (err != CHIO_OK)
    return chio_fail(detail, err == CHIO_E_MALFORMED ? CHIO_E_PERMISSION : err, "profile '%s': %s", profile, why.text);
  *out_found = (struct chio_aws_found){block, 0};
  return CHIO_OK;
}

/* What we do not do for a profile, and why. */
static enum chio_err refuse(const struct lookup *l, const char *profile, struct chio_detail *detail) {
  static const struct {
    const char *key;
    const char *why;
  } rows[] = {
      {"credential_process", "it would run a program with the right to use the keys"},
      {"sso_session", "a browser login does not last; give the machine a role"},
      {"sso_start_url", "a browser login does not last; give the machine a role"},
      {"mfa_serial", "nobody is there to read a code"},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++)
    if (chio_aws_profile_get(&l->files->profiles, profile, rows[i].key).len > 0)
      return chio_fail(detail, CHIO_E_PERMISSION, "profile '%s': %s is refused: %s", profile, rows[i].key, rows[i].why);
  return CHIO_OK;
}

static enum chio_err from_profile(const struct lookup *l, const char *profile, unsigned depth,
                                  struct chio_aws_found *out_found, struct chio_detail *detail);

/* credential_source: another source signs for the role. */
static enum chio_err from_named_source(const struct lookup *l, const char *profile, const char *name,
                                       struct chio_aws_found *out_found, struct chio_detail *detail) {
  static const struct {
    const char *name;
    chio_aws_source_fetch *fetch;
  } rows[] = {
      {"Environment", chio_aws_from_environment},
      {"EcsContainer", chio_aws_from_container},
      {"Ec2InstanceMetadata", chio_aws_from_instance},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++)
    if (strcmp(rows[i].name, name) == 0) return rows[i].fetch(l->source, l->deadline, out_found, detail);
  return chio_fail(detail, CHIO_E_PERMISSION, "profile '%s': unknown credential_source", profile);
}

/* The credentials that take the role on. */
static enum chio_err base_of(const struct lookup *l, const char *profile, unsigned depth,
                             struct chio_aws_found *out_found, struct chio_detail *detail) {
  char value[VALUE_SIZE];
  if (setting(l->files, profile, "source_profile", value)) {
    if (strcmp(value, profile) == 0) return static_keys(l, profile, out_found, detail);
    return from_profile(l, value, depth + 1, out_found, detail);
  }
  if (setting(l->files, profile, "credential_source", value))
    return from_named_source(l, profile, value, out_found, detail);
  return chio_fail(detail, CHIO_E_PERMISSION, "profile '%s': role_arn needs source_profile or credential_source",
                   profile);
}

static enum chio_err from_role(const struct lookup *l, const char *profile, const char *arn, unsigned depth,
                               struct chio_aws_found *out_found, struct chio_detail *detail) {
  char token_file[VALUE_SIZE], session[VALUE_SIZE], external_id[VALUE_SIZE], duration[VALUE_SIZE];
  struct chio_aws_role role = {.arn = arn};
  struct chio_aws_found base;
  if (setting(l->files, profile, "role_session_name", session)) role.session_name = session;
  if (setting(l->files, profile, "external_id", external_id)) role.external_id = external_id;
  if (setting(l->files, profile, "duration_seconds", duration))
    role.duration_s = (unsigned)strtoul(duration, NULL, 10);
  if (setting(l->files, profile, "web_identity_token_file", token_file))
    return chio_aws_assume_role_with_token(l->source, &role, token_file, l->deadline, out_found, detail);
  enum chio_err err = base_of(l, profile, depth, &base, detail);
  if (err != CHIO_OK) return err == CHIO_E_NOT_FOUND ? CHIO_E_PERMISSION : err;
  err = chio_aws_assume_role(l->source, &role, base.block, l->deadline, out_found, detail);
  chio_secret_free(base.block);
  return err;
}

static enum chio_err from_profile(const struct lookup *l, const char *profile, unsigned depth,
                                  struct chio_aws_found *out_found, struct chio_detail *detail) {
  char arn[VALUE_SIZE];
  if (depth == PROFILES_DEEP)
    return chio_fail(detail, CHIO_E_PERMISSION, "source_profile leads through more than %u profiles", PROFILES_DEEP);
  if (!chio_aws_profile_exists(&l->files->profiles, profile))
    return chio_fail(detail, depth > 0 ? CHIO_E_PERMISSION : CHIO_E_NOT_FOUND, "there is no profile '%s'", profile);
  enum chio_err err = refuse(l, profile, detail);
  if (err != CHIO_OK) return err;
  if (setting(l->files, profile, "role_arn", arn)) return from_role(l, profile, arn, depth, out_found, detail);
  return static_keys(l, profile, out_found, detail);
}

enum chio_err chio_aws_from_files(const struct chio_aws_source *source, const struct chio_deadline *deadline,
                                  struct chio_aws_found *out_found, struct chio_detail *detail) {
  struct files files;
  const char *profile = profile_in_use();
  enum chio_err err = files_read(source, &files, detail);
  if (err != CHIO_OK) return err;
  const struct lookup lookup = {source, &files, deadline};
  err = from_profile(&lookup, profile, 0, out_found, detail);
  /* A profile that somebody asked for by name must not be passed over in silence, nor a file that is configured: while
   * it is being written anew, an instance's role would take its place. */
  bool asked_for = strcmp(profile, "default") != 0 || source->credentials_file != NULL;
  if (err == CHIO_E_NOT_FOUND && asked_for) err = CHIO_E_PERMISSION;
  files_free(&files);
  return err;
}
