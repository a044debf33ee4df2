#include "signer/core/root_file.h"

#include "signer/core/state_file.h"

#include <sodium.h>
#include <unistd.h>

#define ROOT_SIZE 32u
#define ROOT_NAME "root.key"

static enum chio_err make_root(int dir_fd, const char *dir, struct chio_secret **out_root,
                               struct chio_detail *detail) {
  CHIO_AUTO(chio_secret) struct chio_secret *root = NULL;
  enum chio_err err = chio_state_folder_may_have_root(dir_fd, dir, ROOT_NAME, detail);
  if (err == CHIO_OK) err = chio_secret_new(ROOT_SIZE, &root);
  if (err != CHIO_OK) return err;
  randombytes_buf(root->data, ROOT_SIZE);
  err = chio_state_file_write(dir_fd, dir, ROOT_NAME, chio_secret_slice(root), detail);
  if (err == CHIO_OK) *out_root = CHIO_STEAL(root);
  return err;
}

enum chio_err chio_root_file_open(const char *dir, struct chio_secret **out_root, struct chio_detail *detail) {
  int dir_fd = -1;
  enum chio_err err = chio_state_folder_open(dir, &dir_fd, detail);
  if (err != CHIO_OK) return err;
  err = chio_state_file_read(dir_fd, dir, ROOT_NAME, ROOT_SIZE, out_root, detail);
  if (err == CHIO_E_NOT_FOUND) err = make_root(dir_fd, dir, out_root, detail);
  (void)close(dir_fd);
  return err;
}
