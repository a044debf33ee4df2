/*
 * fake_tsm tdx|snp STATE FAULTS MOUNTPOINT: a FUSE file system that behaves as the kernel's configfs-tsm does
 * (drivers/virt/coco/tsm.c, fs/configfs/file.c of Linux 6.12), in the foreground until it is unmounted.
 *
 * What it holds to: nothing can be made at its root but folders; a folder comes with its attributes and goes with them;
 * an attribute cannot be opened against its mode, by root neither. inblob takes up to 64 bytes, which reach the driver
 * when the file is closed, and a refusal then is lost. Each write of an option counts in generation. outblob is made at
 * the first read after a write, refused with EINVAL without an inblob of 64 bytes, and kept until the next write.
 *
 * Folders and attributes belong to who mounted it, until they are given to somebody else, which configfs allows; where
 * that is root, others meet its permissions too.
 *
 * What it fakes: the report. As tdx_guest it is a quote of the simulated platform whose keys are in STATE; as sev_guest
 * a report of version 3 with the data, a measurement of 0x5a and no signature; beside it STATE/auxblob, if there.
 *
 * FAULTS: NAME=COUNT[,NAME=COUNT]: how often a thing goes wrong before it goes well; see the table. "-": none.
 */
#define FUSE_USE_VERSION 31
#include "attest/platform.h"
#include "attest/snp.h"
#include "tests/support/faults.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENTRIES_MAX 8
#define INBLOB_MAX 64u
#define AUX_MAX 65536

enum fault {
  NO_PROVIDER,    /* mkdir: ENXIO, as before a driver has registered */
  NO_MKDIR,       /* mkdir: EACCES, as for all but root */
  MKDIR_TAKEN,    /* mkdir: EEXIST */
  WRITE_BUSY,     /* inblob: EBUSY */
  WRITE_SHORT,    /* inblob: takes 10 bytes */
  WRITE_LOST,     /* inblob: taken, and refused by the driver at close */
  READ_AGAIN,     /* outblob: EWOULDBLOCK */
  READ_BUSY,      /* outblob: EBUSY, a request is in flight */
  READ_BROKEN,    /* outblob: EIO */
  READ_CUT,       /* outblob: half of it */
  READ_EMPTY,     /* outblob: nothing */
  READ_ENDLESS,   /* outblob: no end */
  DRIBBLE,        /* outblob: 100 bytes a read; nothing is wrong with that */
  RACE_BEFORE,    /* another writer after our write */
  RACE_AFTER,     /* another writer after our read of outblob */
  STALE,          /* outblob over the data before, with the generation of now */
  GENERATION_BAD, /* generation: no number */
  AUX_NONE,       /* auxblob: ENOENT */
  FAULTS
};

static const char *const fault_names[FAULTS] = {
    [NO_PROVIDER] = "no-provider",   [NO_MKDIR] = "no-mkdir",       [MKDIR_TAKEN] = "mkdir-taken",
    [WRITE_BUSY] = "write-busy",     [WRITE_SHORT] = "write-short", [WRITE_LOST] = "write-lost",
    [READ_AGAIN] = "read-again",     [READ_BUSY] = "read-busy",     [READ_BROKEN] = "read-broken",
    [READ_CUT] = "read-cut",         [READ_EMPTY] = "read-empty",   [READ_ENDLESS] = "read-endless",
    [DRIBBLE] = "dribble",           [RACE_BEFORE] = "race-before", [RACE_AFTER] = "race-after",
    [STALE] = "stale",               [GENERATION_BAD] = "generation-bad", [AUX_NONE] = "aux-none",
};

static int faults[FAULTS];

static bool happens(enum fault fault) {
  return fault_happens(&faults[fault]);
}
static const char *provider;
static const char *state_dir;
static struct chio_platform *platform; /* tdx */

enum attr { INBLOB, OUTBLOB, AUXBLOB, PROVIDER, GENERATION, PRIVLEVEL, PRIVLEVEL_FLOOR, SERVICE_PROVIDER, ATTRS };

static const struct {
  const char *name;
  mode_t mode;
} attrs[ATTRS] = {
    [INBLOB] = {"inblob", 0200},       [OUTBLOB] = {"outblob", 0400},
    [AUXBLOB] = {"auxblob", 0400},     [PROVIDER] = {"provider", 0444},
    [GENERATION] = {"generation", 0444}, [PRIVLEVEL] = {"privlevel", 0200},
    [PRIVLEVEL_FLOOR] = {"privlevel_floor", 0444}, [SERVICE_PROVIDER] = {"service_provider", 0200},
};

struct entry {
  char name[64];
  uint8_t inblob[INBLOB_MAX], before[INBLOB_MAX];
  size_t inblob_len;
  unsigned generation;  /* writes */
  unsigned made;        /* the generation of out */
  uid_t uid[ATTRS + 1];  /* of the attributes, and of the folder itself */
  gid_t gid[ATTRS + 1];
  struct chio_buf out;
};
static struct entry entries[ENTRIES_MAX];

/* What an open file has: bytes to read, or bytes written until it is closed. */
struct file {
  struct entry *entry;
  enum attr attr;
  uint8_t *bytes;
  size_t len;
  bool endless, written;
};

/* ---- Names ---- */

static struct entry *find_entry(const char *name, size_t len) {
  for (size_t i = 0; i < ENTRIES_MAX; i++)
    if (entries[i].name[0] != '\0' && strlen(entries[i].name) == len && memcmp(entries[i].name, name, len) == 0)
      return &entries[i];
  return NULL;
}

/* "/ENTRY" or "/ENTRY/ATTRIBUTE". */
static int resolve(const char *path, struct entry **out_entry, int *out_attr) {
  const char *slash = strchr(path + 1, '/');
  *out_entry = find_entry(path + 1, slash != NULL ? (size_t)(slash - path - 1) : strlen(path + 1));
  *out_attr = -1;
  if (*out_entry == NULL) return -ENOENT;
  if (slash == NULL) return 0;
  for (int i = 0; i < ATTRS; i++)
    if (strcmp(attrs[i].name, slash + 1) == 0) *out_attr = i;
  return *out_attr < 0 ? -ENOENT : 0;
}

static int tsm_getattr(const char *path, struct stat *st, struct fuse_file_info *info) {
  struct entry *entry;
  int attr = -1;
  (void)info;
  memset(st, 0, sizeof *st);
  int failed = strcmp(path, "/") == 0 ? 0 : resolve(path, &entry, &attr);
  if (failed != 0) return failed;
  st->st_mode = attr < 0 ? S_IFDIR | 0755 : S_IFREG | attrs[attr].mode;
  st->st_nlink = attr < 0 ? 2 : 1;
  if (strcmp(path, "/") == 0) return 0;
  st->st_uid = entry->uid[attr < 0 ? ATTRS : attr];
  st->st_gid = entry->gid[attr < 0 ? ATTRS : attr];
  return 0;
}

static int tsm_chown(const char *path, uid_t uid, gid_t gid, struct fuse_file_info *info) {
  struct entry *entry;
  int attr;
  (void)info;
  int failed = resolve(path, &entry, &attr);
  if (failed != 0) return failed;
  entry->uid[attr < 0 ? ATTRS : attr] = uid;
  entry->gid[attr < 0 ? ATTRS : attr] = gid;
  return 0;
}

static int tsm_readdir(const char *path, void *to, fuse_fill_dir_t fill, off_t offset, struct fuse_file_info *info,
                       enum fuse_readdir_flags flags) {
  struct entry *entry;
  int attr;
  (void)offset, (void)info, (void)flags;
  (void)fill(to, ".", NULL, 0, 0);
  (void)fill(to, "..", NULL, 0, 0);
  if (strcmp(path, "/") == 0) {
    for (size_t i = 0; i < ENTRIES_MAX; i++)
      if (entries[i].name[0] != '\0') (void)fill(to, entries[i].name, NULL, 0, 0);
    return 0;
  }
  int failed = resolve(path, &entry, &attr);
  for (int i = 0; i < ATTRS && failed == 0; i++) (void)fill(to, attrs[i].name, NULL, 0, 0);
  return failed;
}

static int tsm_mkdir(const char *path, mode_t mode) {
  (void)mode;
  if (strchr(path + 1, '/') != NULL) return -EPERM;
  if (happens(NO_PROVIDER)) return -ENXIO;
  if (happens(NO_MKDIR)) return -EACCES;
  if (happens(MKDIR_TAKEN)) return -EEXIST;
  for (size_t i = 0; i < ENTRIES_MAX; i++) {
    if (entries[i].name[0] != '\0') continue;
    (void)snprintf(entries[i].name, sizeof entries[i].name, "%s", path + 1);
    return 0;
  }
  return -ENOSPC;
}

static int tsm_rmdir(const char *path) {
  struct entry *entry;
  int attr;
  int failed = resolve(path, &entry, &attr);
  if (failed != 0) return failed;
  if (attr >= 0) return -ENOTDIR;
  chio_buf_clear(&entry->out);
  memset(entry, 0, sizeof *entry);
  return 0;
}

static int tsm_refuse(const char *path, mode_t mode, struct fuse_file_info *info) {
  (void)path, (void)mode, (void)info;
  return -EACCES;
}

/* ---- The report ---- */

static void make_snp(const uint8_t *data, struct chio_buf *out) {
  uint8_t report[CHIO_SNP_REPORT_SIZE] = {3};
  report[CHIO_SNP_SIGNATURE_ALGO] = 1;
  memcpy(report + CHIO_SNP_REPORT_DATA, data, INBLOB_MAX);
  memset(report + CHIO_SNP_MEASUREMENT, 0x5a, 48);
  chio_buf_append(out, report, sizeof report);
}

/* As tsm_report_read: made anew when an option was written since. */
static int make_report(struct entry *e) {
  struct chio_detail detail;
  if (e->inblob_len != INBLOB_MAX) return -EINVAL;
  if (happens(READ_AGAIN)) return -EWOULDBLOCK;
  if (happens(READ_BUSY)) return -EBUSY;
  if (happens(READ_BROKEN)) return -EIO;
  if (e->made == e->generation && e->out.len > 0) return 0;
  const uint8_t *data = happens(STALE) ? e->before : e->inblob;
  chio_buf_reset(&e->out);
  if (platform == NULL) make_snp(data, &e->out);
  else if (chio_platform_quote(platform, data, &e->out, &detail) != CHIO_OK) return -EIO;
  e->made = e->generation;
  return 0;
}

static void interfere(struct entry *e) {
  memset(e->inblob, 0xbb, sizeof e->inblob);
  e->inblob_len = sizeof e->inblob;
  e->generation++;
}

static int set_bytes(struct file *f, const void *bytes, size_t len) {
  f->bytes = malloc(len + 1);
  if (f->bytes == NULL) return -ENOMEM;
  if (len > 0) memcpy(f->bytes, bytes, len);
  f->len = len;
  return 0;
}

static int load_outblob(struct file *f) {
  if (happens(RACE_BEFORE)) interfere(f->entry);
  int failed = make_report(f->entry);
  if (failed != 0) return failed;
  size_t len = f->entry->out.len;
  if (happens(READ_CUT)) len /= 2;
  if (happens(READ_EMPTY)) len = 0;
  f->endless = happens(READ_ENDLESS);
  failed = set_bytes(f, f->entry->out.data, len);
  if (happens(RACE_AFTER)) interfere(f->entry);
  return failed;
}

static int load_auxblob(struct file *f) {
  char path[512];
  static uint8_t table[AUX_MAX];
  (void)snprintf(path, sizeof path, "%s/auxblob", state_dir);
  FILE *in = happens(AUX_NONE) ? NULL : fopen(path, "rb");
  if (in == NULL) return -ENOENT;
  size_t len = fread(table, 1, sizeof table, in);
  (void)fclose(in);
  return set_bytes(f, table, len);
}

static int load(struct file *f) {
  char text[80];
  switch (f->attr) {
    case OUTBLOB: return load_outblob(f);
    case AUXBLOB: return load_auxblob(f);
    case PROVIDER: (void)snprintf(text, sizeof text, "%s\n", provider); break;
    case GENERATION: (void)snprintf(text, sizeof text, "%u\n", f->entry->generation); break;
    default: (void)snprintf(text, sizeof text, "0\n"); break;
  }
  if (f->attr == GENERATION && happens(GENERATION_BAD)) (void)snprintf(text, sizeof text, "many\n");
  return set_bytes(f, text, strlen(text));
}

/* ---- Files ---- */

static int tsm_open(const char *path, struct fuse_file_info *info) {
  struct entry *entry;
  int attr;
  int failed = resolve(path, &entry, &attr);
  if (failed != 0) return failed;
  if (attr < 0) return -EISDIR;
  bool writes = (info->flags & O_ACCMODE) != O_RDONLY, reads = (info->flags & O_ACCMODE) != O_WRONLY;
  if ((writes && (attrs[attr].mode & 0200) == 0) || (reads && (attrs[attr].mode & 0400) == 0)) return -EACCES;
  struct file *f = calloc(1, sizeof *f);
  if (f == NULL) return -ENOMEM;
  f->entry = entry;
  f->attr = (enum attr)attr;
  info->fh = (uint64_t)(uintptr_t)f;
  info->direct_io = 1;
  return 0;
}

static struct file *file_of(const struct fuse_file_info *info) {
  return (struct file *)(uintptr_t)info->fh;
}

static int tsm_read(const char *path, char *to, size_t size, off_t offset, struct fuse_file_info *info) {
  struct file *f = file_of(info);
  (void)path;
  int failed = f->bytes == NULL ? load(f) : 0;
  if (failed != 0) return failed;
  if (f->endless) {
    memset(to, 0, size);
    return (int)size;
  }
  if (f->attr == OUTBLOB && faults[DRIBBLE] > 0 && size > 100) size = 100;
  if ((size_t)offset >= f->len) return 0;
  if (size > f->len - (size_t)offset) size = f->len - (size_t)offset;
  memcpy(to, f->bytes + offset, size);
  return (int)size;
}

static int write_option(struct file *f, const char *from, size_t size) {
  bool good = f->attr == SERVICE_PROVIDER ? size >= 4 && memcmp(from, "svsm", 4) == 0
                                          : size >= 1 && from[0] >= '0' && from[0] <= '3';
  if (!good) return -EINVAL;
  f->entry->generation++;
  return (int)size;
}

static int tsm_write(const char *path, const char *from, size_t size, off_t offset, struct fuse_file_info *info) {
  struct file *f = file_of(info);
  (void)path;
  if (f->attr != INBLOB) return write_option(f, from, size);
  if (happens(WRITE_BUSY)) return -EBUSY;
  if ((size_t)offset + size > INBLOB_MAX) return -EFBIG;
  if (happens(WRITE_SHORT)) size = 10;
  if (f->bytes == NULL) f->bytes = calloc(1, INBLOB_MAX);
  if (f->bytes == NULL) return -ENOMEM;
  memcpy(f->bytes + offset, from, size);
  f->len = (size_t)offset + size;
  f->written = true;
  return (int)size;
}

/* close(2): the driver sees the bytes, and what it says of them is heard by nobody. */
static int tsm_flush(const char *path, struct fuse_file_info *info) {
  struct file *f = file_of(info);
  (void)path;
  if (!f->written || happens(WRITE_LOST)) return 0;
  f->written = false;
  if (memcmp(f->entry->inblob, f->bytes, INBLOB_MAX) != 0) memcpy(f->entry->before, f->entry->inblob, INBLOB_MAX);
  memcpy(f->entry->inblob, f->bytes, f->len);
  f->entry->inblob_len = f->len;
  f->entry->generation++;
  return 0;
}

static int tsm_release(const char *path, struct fuse_file_info *info) {
  struct file *f = file_of(info);
  (void)path;
  free(f->bytes);
  free(f);
  return 0;
}

static int tsm_truncate(const char *path, off_t size, struct fuse_file_info *info) {
  (void)path, (void)size, (void)info;
  return 0;
}

static const struct fuse_operations operations = {
    .getattr = tsm_getattr, .readdir = tsm_readdir, .mkdir = tsm_mkdir,   .rmdir = tsm_rmdir,
    .create = tsm_refuse,   .open = tsm_open,       .read = tsm_read,     .write = tsm_write,
    .flush = tsm_flush,     .release = tsm_release, .truncate = tsm_truncate,
    .chown = tsm_chown,
};

int main(int argc, char **argv) {
  struct chio_detail detail = {""};
  if (argc != 5 || !faults_set(argv[3], fault_names, faults, FAULTS)) {
    (void)fprintf(stderr, "usage: fake_tsm tdx|snp STATE FAULTS MOUNTPOINT\n");
    return 2;
  }
  state_dir = argv[2];
  provider = strcmp(argv[1], "tdx") == 0 ? "tdx_guest" : "sev_guest";
  if (strcmp(argv[1], "tdx") == 0 && chio_platform_open("sim-tdx", state_dir, NULL, &platform, &detail) != CHIO_OK) {
    (void)fprintf(stderr, "fake_tsm: %s\n", detail.text);
    return 1;
  }
  char caches[] = "-oattr_timeout=0,entry_timeout=0";
  char others[] = "-oattr_timeout=0,entry_timeout=0,allow_other,default_permissions";
  char *mount[] = {argv[0], (char[]){"-f"}, (char[]){"-s"}, geteuid() == 0 ? others : caches, argv[4], NULL};
  int status = fuse_main(5, mount, &operations, NULL);
  chio_platform_free(platform);
  return status;
}
