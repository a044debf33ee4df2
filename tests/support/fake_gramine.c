/*
 * fake_gramine TYPE FAULTS MOUNTPOINT: a FUSE file system that behaves as Gramine's /dev/attestation does
 * (libos/src/fs/dev/attestation.c of Gramine 1.7), in the foreground until it is unmounted.
 *
 * What it holds to: a fixed set of files, none can be made; user_report_data takes exactly 64 bytes and keeps them;
 * quote is made when it is opened, over what user_report_data holds then; attestation_type is TYPE; keys has the two
 * keys that SGX derives, of 16 bytes.
 *
 * What it fakes: the quote. Version 3, an enclave of 0x5a, signature data of zeros.
 *
 * FAULTS: NAME=COUNT[,NAME=COUNT]: how often a thing goes wrong before it goes well; see the table. "-": none.
 */
#define FUSE_USE_VERSION 31
#include "attest/dcap.h"
#include "signer/base/buf.h"
#include "tests/support/faults.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define DATA_SIZE 64
#define SIGNATURE_SIZE 600

enum fault { WRITE_REFUSED, WRITE_SHORT, READ_AGAIN, READ_BROKEN, READ_CUT, READ_EMPTY, READ_ENDLESS, DRIBBLE, RACE,
             NO_QUOTE, KEY_NONE, KEY_SHORT, KEY_LONG, KEY_ZERO, KEY_BROKEN, KEY_OTHER, FAULTS };

static const char *const fault_names[FAULTS] = {
    [WRITE_REFUSED] = "write-refused", /* user_report_data: EINVAL */
    [WRITE_SHORT] = "write-short",     /* user_report_data: takes 10 bytes */
    [READ_AGAIN] = "read-again",       /* quote: EAGAIN */
    [READ_BROKEN] = "read-broken",     /* quote: EIO, the quoting enclave cannot be reached */
    [READ_CUT] = "read-cut",           /* quote: half of it */
    [READ_EMPTY] = "read-empty",       /* quote: nothing */
    [READ_ENDLESS] = "read-endless",   /* quote: no end */
    [DRIBBLE] = "dribble",             /* quote: 100 bytes a read; nothing is wrong with that */
    [RACE] = "race",                   /* another part of the process has written its data */
    [NO_QUOTE] = "no-quote",           /* quote: ENOENT */
    [KEY_NONE] = "key-none",           /* keys: ENOENT, as without SGX */
    [KEY_SHORT] = "key-short",         /* keys: 15 bytes */
    [KEY_LONG] = "key-long",           /* keys: 17 bytes */
    [KEY_ZERO] = "key-zero",           /* keys: zeros */
    [KEY_BROKEN] = "key-broken",       /* keys: EIO */
    [KEY_OTHER] = "key-other",         /* keys: those of another enclave and another signer */
};
static int faults[FAULTS];

static bool happens(enum fault fault) {
  return fault_happens(&faults[fault]);
}

static const char *type;
static uint8_t report_data[DATA_SIZE];

static const struct {
  const char *name;
  mode_t mode;
} files[] = {{"/attestation_type", 0444}, {"/user_report_data", 0666}, {"/target_info", 0666},
             {"/my_target_info", 0444},   {"/report", 0444},           {"/quote", 0444},
             {"/keys/_sgx_mrenclave", 0600}, {"/keys/_sgx_mrsigner", 0600}};

struct file {
  const char *path;
  uint8_t *bytes;
  size_t len;
  bool endless;
};

static int find(const char *path) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(files); i++)
    if (strcmp(files[i].name, path) == 0) return (int)i;
  return -1;
}

static int gramine_getattr(const char *path, struct stat *st, struct fuse_file_info *info) {
  int file = find(path);
  (void)info;
  memset(st, 0, sizeof *st);
  if (file < 0 && strcmp(path, "/") != 0 && strcmp(path, "/keys") != 0) return -ENOENT;
  st->st_mode = file < 0 ? S_IFDIR | 0555 : S_IFREG | files[file].mode;
  st->st_nlink = file < 0 ? 2 : 1;
  return 0;
}

static int gramine_refuse(const char *path, mode_t mode, struct fuse_file_info *info) {
  (void)path, (void)mode, (void)info;
  return -EACCES;
}

static int make_quote(struct file *f) {
  struct chio_buf quote = CHIO_BUF_INIT;
  uint8_t header[CHIO_DCAP_HEADER_SIZE] = {3, 0, CHIO_DCAP_KEY_TYPE_P256}, body[CHIO_DCAP_SGX_SIZE] = {0};
  static const uint8_t signature[SIGNATURE_SIZE];
  if (happens(NO_QUOTE)) return -ENOENT;
  if (happens(RACE)) memset(report_data, 0xbb, sizeof report_data);
  memset(body + CHIO_SGX_MRENCLAVE, 0x5a, 32);
  memcpy(body + CHIO_SGX_REPORT_DATA, report_data, DATA_SIZE);
  chio_buf_append(&quote, header, sizeof header);
  chio_buf_append(&quote, body, sizeof body);
  chio_buf_append_u32le(&quote, SIGNATURE_SIZE);
  chio_buf_append(&quote, signature, sizeof signature);
  f->bytes = quote.data;
  f->len = happens(READ_EMPTY) ? 0 : happens(READ_CUT) ? quote.len / 2 : quote.len;
  f->endless = happens(READ_ENDLESS);
  return 0;
}

static int make_key(struct file *f) {
  if (happens(KEY_NONE)) return -ENOENT;
  f->bytes = calloc(1, 17);
  if (f->bytes == NULL) return -ENOMEM;
  f->len = happens(KEY_SHORT) ? 15 : happens(KEY_LONG) ? 17 : 16;
  int value = strstr(f->path, "mrsigner") != NULL ? 0x22 : 0x11;
  if (happens(KEY_OTHER)) value += 0x33;
  if (!happens(KEY_ZERO)) memset(f->bytes, value, 17);
  return 0;
}

static int gramine_open(const char *path, struct fuse_file_info *info) {
  int file = find(path), failed = 0;
  if (file < 0) return -ENOENT;
  struct file *f = calloc(1, sizeof *f);
  if (f == NULL) return -ENOMEM;
  f->path = files[file].name;
  if (strcmp(f->path, "/quote") == 0) failed = make_quote(f);
  if (strncmp(f->path, "/keys/", 6) == 0) failed = make_key(f);
  if (strcmp(f->path, "/attestation_type") == 0) {
    f->bytes = (uint8_t *)strdup(type);
    f->len = strlen(type);
  }
  info->fh = (uint64_t)(uintptr_t)f;
  info->direct_io = 1;
  if (failed != 0) free(f);
  return failed;
}

static struct file *file_of(const struct fuse_file_info *info) {
  return (struct file *)(uintptr_t)info->fh;
}

static int gramine_read(const char *path, char *to, size_t size, off_t offset, struct fuse_file_info *info) {
  struct file *f = file_of(info);
  bool quote = strcmp(path, "/quote") == 0;
  if (quote && happens(READ_AGAIN)) return -EAGAIN;
  if (quote && happens(READ_BROKEN)) return -EIO;
  if (strncmp(path, "/keys/", 6) == 0 && happens(KEY_BROKEN)) return -EIO;
  if (f->endless) {
    memset(to, 0, size);
    return (int)size;
  }
  if (quote && faults[DRIBBLE] > 0 && size > 100) size = 100;
  if ((size_t)offset >= f->len) return 0;
  if (size > f->len - (size_t)offset) size = f->len - (size_t)offset;
  memcpy(to, f->bytes + offset, size);
  return (int)size;
}

static int gramine_write(const char *path, const char *from, size_t size, off_t offset, struct fuse_file_info *info) {
  (void)info;
  if (strcmp(path, "/user_report_data") != 0) return -EACCES;
  if (happens(WRITE_SHORT)) return 10;
  if (size != DATA_SIZE || offset != 0 || happens(WRITE_REFUSED)) return -EINVAL;
  memcpy(report_data, from, DATA_SIZE);
  return (int)size;
}

static int gramine_release(const char *path, struct fuse_file_info *info) {
  struct file *f = file_of(info);
  (void)path;
  free(f->bytes);
  free(f);
  return 0;
}

static const struct fuse_operations operations = {
    .getattr = gramine_getattr, .create = gramine_refuse, .open = gramine_open,
    .read = gramine_read,       .write = gramine_write,   .release = gramine_release,
};

int main(int argc, char **argv) {
  if (argc != 4 || !faults_set(argv[2], fault_names, faults, FAULTS)) {
    (void)fprintf(stderr, "usage: fake_gramine TYPE FAULTS MOUNTPOINT\n");
    return 2;
  }
  type = argv[1];
  char *mount[] = {argv[0], (char[]){"-f"}, (char[]){"-s"}, (char[]){"-oattr_timeout=0,entry_timeout=0"}, argv[3], NULL};
  return fuse_main(5, mount, &operations, NULL);
}
