#include "tools/bench/options.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORKERS_MAX 1024u
#define KEYS_MAX 10000000u
#define SIZE_MAX_BYTES (1024u * 1024u)

static const struct bench_operation operations[] = {
    {"sign", "sign a digest or a short message", &bench_way_module_sign, &bench_way_bare_sign, true},
    {"find", "find one key of those that prepare made, by label or by id", &bench_way_module_find, NULL, false},
    {"generate", "generate a key pair (a session's, destroyed again)", &bench_way_module_generate,
     &bench_way_bare_generate, false},
    {"random", "random bytes", &bench_way_module_random, &bench_way_bare_random, false},
    {"start", "from loading the module to the first signature, in a new process", &bench_way_module_sign, NULL, true},
    {"prepare", "fill the token with keys for find and start", &bench_way_module_generate, NULL, false},
};

enum { OPT_VS = 256, OPT_TOKEN, OPT_VS_TOKEN, OPT_PIN_FILE, OPT_VS_PIN_FILE, OPT_BY, OPT_SIZE, OPT_PAUSE, OPT_BATCH,
       OPT_JSON };

static const struct option long_options[] = {{"module", required_argument, NULL, 'm'},
                                             {"vs", required_argument, NULL, OPT_VS},
                                             {"token", required_argument, NULL, OPT_TOKEN},
                                             {"vs-token", required_argument, NULL, OPT_VS_TOKEN},
                                             {"pin-file", required_argument, NULL, OPT_PIN_FILE},
                                             {"vs-pin-file", required_argument, NULL, OPT_VS_PIN_FILE},
                                             {"mechanism", required_argument, NULL, 'k'},
                                             {"threads", required_argument, NULL, 't'},
                                             {"processes", required_argument, NULL, 'p'},
                                             {"seconds", required_argument, NULL, 's'},
                                             {"rounds", required_argument, NULL, 'r'},
                                             {"keys", required_argument, NULL, 'n'},
                                             {"by", required_argument, NULL, OPT_BY},
                                             {"size", required_argument, NULL, OPT_SIZE},
                                             {"pause", required_argument, NULL, OPT_PAUSE},
                                             {"batch", required_argument, NULL, OPT_BATCH},
                                             {"json", no_argument, NULL, OPT_JSON},
                                             {"help", no_argument, NULL, 'h'},
                                             {NULL, 0, NULL, 0}};

static void help(void) {
  (void)printf("usage: chio-bench COMMAND [options]\n\n");
  for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++)
    (void)printf("  %-10s %s\n", operations[i].name, operations[i].text);
  (void)printf(
      "\n"
      "  -m, --module FILE      the PKCS #11 module; default: $CHIO_PKCS11_MODULE\n"
      "      --vs FILE          a second module, measured in turns with the first; or\n"
      "                         bare (libcrypto, libsodium), null (nothing), wakeup (a byte to a process and back)\n"
      "      --token LABEL      the token; default: the first initialised one     --vs-token LABEL\n"
      "      --pin-file FILE    file with the user PIN                            --vs-pin-file FILE\n"
      "  -k, --mechanism NAME   default: p256; one of");
  for (size_t i = 0; bench_algorithm_at(i) != NULL; i++) (void)printf(" %s", bench_algorithm_at(i)->name);
  (void)printf(
      "\n"
      "  -t, --threads N        threads in each process; default: 1\n"
      "  -p, --processes N      processes; default: 1\n"
      "  -s, --seconds N        for each target; default: 5\n"
      "  -r, --rounds N         turns; default: 5\n"
      "  -n, --keys N           prepare, find: number of keys; default: 1000\n"
      "      --by label|id      find; default: label\n"
      "      --size N           random: bytes; default: 32\n"
      "      --batch N              sign: so many in one call (CKM_CHIO_SIGN_BATCH), beside one by one\n"
      "      --pause N          microseconds between two operations; default: 0\n"
      "      --json             JSON instead of a table\n");
}

static bool wrong(const char *what, const char *value) {
  (void)fprintf(stderr, "chio-bench: %s: '%s'; see chio-bench --help\n", what, value);
  return false;
}

static bool number(const char *name, const char *text, unsigned long min, unsigned long max, unsigned long *out) {
  char *end = NULL;
  errno = 0;
  unsigned long value = strtoul(text, &end, 10);
  if (errno != 0 || end == text || *end != 0 || value < min || value > max || *text == '-') {
    (void)fprintf(stderr, "chio-bench: --%s takes a number from %lu to %lu, not '%s'\n", name, min, max, text);
    return false;
  }
  *out = value;
  return true;
}

static bool read_pin(const char *path, struct bench_target *target) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t len = fd >= 0 ? read(fd, target->pin, BENCH_PIN_MAX) : -1;
  if (fd >= 0) (void)close(fd);
  if (len < 0) {
    (void)fprintf(stderr, "chio-bench: %s: %s\n", path, strerror(errno));
    return false;
  }
  while (len > 0 && (target->pin[len - 1] == '\n' || target->pin[len - 1] == '\r')) len--;
  target->pin[len] = 0;
  target->pin_len = (size_t)len;
  return true;
}

static bool set_seconds(struct bench_job *job, const char *text) {
  char *end = NULL;
  double value = strtod(text, &end);
  if (end == text || *end != 0 || !(value > 0) || value > 86400) return wrong("--seconds", text);
  job->seconds = value;
  return true;
}

static bool set_count(struct bench_job *job, int option, const char *text) {
  unsigned long value;
  switch (option) {
    case 't':
      if (!number("threads", text, 1, WORKERS_MAX, &value)) return false;
      job->threads = (unsigned)value;
      return true;
    case 'p':
      if (!number("processes", text, 1, WORKERS_MAX, &value)) return false;
      job->processes = (unsigned)value;
      return true;
    case 'r':
      if (!number("rounds", text, 1, BENCH_ROUNDS_MAX, &value)) return false;
      job->rounds = (unsigned)value;
      return true;
    case 'n':
      if (!number("keys", text, 1, KEYS_MAX, &value)) return false;
      job->keys = (uint32_t)value;
      return true;
    case OPT_BATCH:
      if (!number("batch", text, 2, BENCH_BATCH_MAX, &value)) return false;
      job->targets[0].batch = (unsigned)value;
      return true;
    case OPT_SIZE:
      if (!number("size", text, 1, SIZE_MAX_BYTES, &value)) return false;
      job->size = value;
      return true;
    default:
      if (!number("pause", text, 0, 10000000, &value)) return false;
      job->pause = (unsigned)value;
      return true;
  }
}

static bool set_option(struct bench_job *job, int option, const char *text) {
  switch (option) {
    case 'm': job->targets[0].name = text; return true;
    case OPT_VS:
      job->targets[1].name = text;
      job->target_count = 2;
      return true;
    case OPT_TOKEN: job->targets[0].token = text; return true;
    case OPT_VS_TOKEN: job->targets[1].token = text; return true;
    case OPT_PIN_FILE: return read_pin(text, &job->targets[0]);
    case OPT_VS_PIN_FILE: return read_pin(text, &job->targets[1]);
    case 'k':
      job->algorithm = bench_algorithm_find(text);
      return job->algorithm != NULL || wrong("no such mechanism", text);
    case 's': return set_seconds(job, text);
    case OPT_BY:
      job->by_id = strcmp(text, "id") == 0;
      return job->by_id || strcmp(text, "label") == 0 || wrong("--by takes label or id", text);
    case OPT_JSON: job->json = true; return true;
    default: return set_count(job, option, text);
  }
}

static bool set_operation(struct bench_job *job, const char *name) {
  for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++)
    if (strcmp(operations[i].name, name) == 0) job->operation = &operations[i];
  return job->operation != NULL || wrong("no such command", name);
}

bool bench_target_is_module(const struct bench_target *target) {
  return strcmp(target->name, "bare") != 0 && strcmp(target->name, "null") != 0 && strcmp(target->name, "wakeup") != 0;
}

const struct bench_way *bench_way_of(const struct bench_job *job, const struct bench_target *target) {
  if (strcmp(target->name, "null") == 0) return &bench_way_null;
  if (strcmp(target->name, "wakeup") == 0) return &bench_way_wakeup;
  bool module = bench_target_is_module(target);
  if (module && target->batch > 1) return &bench_way_module_sign_batch;
  const struct bench_way *way = module ? job->operation->module : job->operation->bare;
  if (way == NULL) (void)fprintf(stderr, "chio-bench: %s cannot be done %s\n", job->operation->name, target->name);
  return way;
}

/* A batch is measured beside the same module one by one, unless --vs names something else. */
static bool complete_batch(struct bench_job *job) {
  if (job->targets[0].batch == 1) return true;
  if (strcmp(job->operation->name, "sign") != 0) return wrong("--batch is for sign, not for", job->operation->name);
  if (!bench_target_is_module(&job->targets[0])) return wrong("--batch needs a module", job->targets[0].name);
  if (job->target_count == 2) return true;
  job->targets[1] = job->targets[0];
  job->targets[1].batch = 1;
  job->target_count = 2;
  return true;
}

static bool complete(struct bench_job *job) {
  if (job->operation == NULL) return wrong("a command is needed", "");
  if (job->targets[0].name == NULL) job->targets[0].name = secure_getenv("CHIO_PKCS11_MODULE");
  if (job->targets[0].name == NULL) return wrong("--module is needed", "");
  if (!complete_batch(job)) return false;
  if (job->threads * job->processes > WORKERS_MAX) return wrong("too many workers", "");
  for (size_t t = 0; t < job->target_count; t++)
    if (bench_way_of(job, &job->targets[t]) == NULL) return false;
  return true;
}

enum bench_parsed bench_options(int argc, char **argv, struct bench_job *out_job) {
  struct bench_job job = {.algorithm = bench_algorithm_find("p256"), .target_count = 1, .threads = 1, .processes = 1,
                          .rounds = 5, .seconds = 5, .keys = 1000, .size = 32,
                          .targets = {{.batch = 1}, {.batch = 1}}};
  int option;
  while ((option = getopt_long(argc, argv, "m:k:t:p:s:r:n:h", long_options, NULL)) != -1) {
    if (option == 'h') {
      help();
      return BENCH_PARSED_HELP;
    }
    if (option == '?' || !set_option(&job, option, optarg)) return BENCH_PARSED_WRONG;
  }
  if (optind < argc && !set_operation(&job, argv[optind])) return BENCH_PARSED_WRONG;
  if (optind + 1 < argc) {
    (void)wrong("one command at a time", argv[optind + 1]);
    return BENCH_PARSED_WRONG;
  }
  if (!complete(&job)) return BENCH_PARSED_WRONG;
  *out_job = job;
  return BENCH_PARSED_RUN;
}
