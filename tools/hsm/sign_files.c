#include "tools/hsm/sign_files.h"

#include "tools/hsm/json.h"
#include "tools/hsm/signer.h"
#include "tools/hsm/text.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* Files of one batch. */
struct group {
  struct hsm *hsm;
  const struct hsm_key *key;
  const struct hsm_signature_kind *kind;
  struct chio_slice spki;
  json_t *list; /* with --json: what was signed so far */
  size_t count;
  const char *path[CHIO_BATCH_ITEMS_MAX];
  struct chio_buf message[CHIO_BATCH_ITEMS_MAX];
  struct chio_batch_item item[CHIO_BATCH_ITEMS_MAX];
};

/* FILE.sig beside the file, or in the folder of --output. */
static enum chio_err name_signature(const struct hsm *hsm, const char *path, char out[PATH_MAX],
                                    struct chio_detail *detail) {
  const char *folder = hsm->option[HSM_OPT_OUTPUT];
  const char *slash = strrchr(path, '/');
  const char *name = slash != NULL ? slash + 1 : path;
  int len = folder != NULL ? snprintf(out, PATH_MAX, "%s/%s.sig", folder, name)
                           : snprintf(out, PATH_MAX, "%s.sig", path);
  if (len > 0 && len < PATH_MAX) return CHIO_OK;
  return chio_fail(detail, CHIO_E_TOO_LONG, "%s: the path is too long", path);
}

static enum chio_err hand_out(struct group *g, size_t i, struct chio_detail *detail) {
  char path[PATH_MAX];
  json_t *json;
  CHIO_AUTO(chio_buf) struct chio_buf *signature = chio_buf_new();
  if (signature == NULL) return CHIO_E_NO_MEMORY;
  if (g->item[i].err != CHIO_OK)
    return chio_fail(detail, g->item[i].err, "%s: %s", g->path[i], chio_err_text(g->item[i].err));
  enum chio_err err = hsm_signature_form(g->kind, g->item[i].signature, signature);
  if (err == CHIO_OK && g->list == NULL) err = name_signature(g->hsm, g->path[i], path, detail);
  if (err != CHIO_OK) return err;
  if (g->list == NULL) return hsm_write(path, chio_buf_slice(signature), detail);
  err = hsm_signature_json(g->kind, g->spki, chio_buf_slice(signature), &json, detail);
  if (err != CHIO_OK) return err;
  (void)json_object_set_new(json, "file", json_string(g->path[i]));
  return json_array_append_new(g->list, json) == 0 ? CHIO_OK : CHIO_E_NO_MEMORY;
}

/* A message that fills a request alone is signed as one is. */
static enum chio_err ask(struct group *g, struct chio_buf *holder, struct chio_detail *detail) {
  if (g->count > 1)
    return hsm_key_sign_batch(g->hsm, g->key, g->kind, g->item, g->count, holder, detail);
  enum chio_err err = hsm_key_sign(g->hsm, g->key, g->kind, g->item[0].data, holder, detail);
  g->item[0].err = CHIO_OK;
  g->item[0].signature = chio_buf_slice(holder);
  return err;
}

/* Signs what the group has. One that fails keeps nobody else's signature back; the first one is told. */
static enum chio_err sign_group(struct group *g, struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  if (holder == NULL) return CHIO_E_NO_MEMORY;
  if (g->count == 0) return CHIO_OK;
  enum chio_err err = ask(g, holder, detail);
  for (size_t i = 0, all = err == CHIO_OK ? g->count : 0; i < all; i++) {
    struct chio_detail why = {""};
    enum chio_err one = hand_out(g, i, &why);
    if (one == CHIO_OK || err != CHIO_OK) continue;
    err = one;
    *detail = why;
  }
  for (size_t i = 0; i < g->count; i++) chio_buf_clear(&g->message[i]);
  g->count = 0;
  return err;
}

/* Adds a file to the group; one that is full is signed first. */
static enum chio_err add(struct group *g, const char *path, struct chio_detail *detail) {
  struct chio_buf message = CHIO_BUF_INIT;
  enum chio_err err = hsm_read_message(g->hsm, path, &message, detail);
  if (err == CHIO_OK && g->count == CHIO_BATCH_ITEMS_MAX) err = sign_group(g, detail);
  if (err == CHIO_OK) {
    g->item[g->count].data = chio_buf_slice(&message);
    if (chio_batch_fits(g->item, g->count + 1) <= g->count) err = sign_group(g, detail);
  }
  if (err != CHIO_OK) {
    chio_buf_clear(&message);
    return err;
  }
  g->path[g->count] = path;
  g->message[g->count] = message;
  g->item[g->count++].data = chio_buf_slice(&message);
  return CHIO_OK;
}

/* Two files of one name would have one signature in a folder. */
static enum chio_err check_folder(const struct hsm *hsm, struct chio_detail *detail) {
  const char *folder = hsm->option[HSM_OPT_OUTPUT];
  char one[PATH_MAX], other[PATH_MAX];
  struct stat st;
  if (folder == NULL) return CHIO_OK;
  if (stat(folder, &st) != 0 || !S_ISDIR(st.st_mode))
    return chio_fail(detail, CHIO_E_ARGUMENT, "%s: with several files, --output is a folder that is there", folder);
  for (int i = 1; i < hsm->words; i++) {
    enum chio_err err = name_signature(hsm, hsm->word[i], one, detail);
    for (int k = 1; k < i && err == CHIO_OK; k++) {
      err = name_signature(hsm, hsm->word[k], other, detail);
      if (err == CHIO_OK && strcmp(one, other) == 0)
        err = chio_fail(detail, CHIO_E_ARGUMENT, "%s and %s would have the same signature file", hsm->word[k],
                        hsm->word[i]);
    }
    if (err != CHIO_OK) return err;
  }
  return CHIO_OK;
}

static enum chio_err sign_all(struct group *g, struct chio_detail *detail) {
  enum chio_err err = CHIO_OK;
  for (int i = 1; i < g->hsm->words && err == CHIO_OK; i++) err = add(g, g->hsm->word[i], detail);
  struct chio_detail why = {""};
  enum chio_err last = sign_group(g, err == CHIO_OK ? detail : &why);
  return err == CHIO_OK ? last : err;
}

enum chio_err hsm_sign_files(struct hsm *hsm, struct chio_detail *detail) {
  struct hsm_keys keys = {NULL, 0};
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  struct group *g = calloc(1, sizeof *g);
  enum chio_err err = g != NULL && holder != NULL ? check_folder(hsm, detail) : CHIO_E_NO_MEMORY;
  if (err == CHIO_OK) err = hsm_login(hsm, detail);
  if (err == CHIO_OK) err = hsm_key_find(hsm, hsm->word[0], &keys, detail);
  if (err == CHIO_OK) {
    g->hsm = hsm;
    g->key = &keys.list[0];
    g->list = hsm->json ? json_array() : NULL;
    err = hsm_key_spki(hsm, g->key, &g->spki, holder, detail);
  }
  if (err == CHIO_OK) err = hsm_signature_kind_of(hsm, g->key, g->spki, &g->kind, detail);
  if (err == CHIO_OK) err = sign_all(g, detail);
  if (err == CHIO_OK && hsm->json)
    err = hsm_json_print(json_pack("{s:O}", "signatures", g->list));
  if (g != NULL) json_decref(g->list);
  free(g);
  hsm_keys_clear(&keys);
  return err;
}
