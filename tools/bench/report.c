#include "tools/bench/report.h"

#include <stdio.h>
#include <string.h>

#define NAME_MAX_LEN 128u

static double microseconds(double nanoseconds) {
  return nanoseconds / 1000;
}

/* Of the first target to the second: the median of the rounds, each measured side by side. */
static double ratio(const struct bench_job *job, const struct bench_result results[BENCH_TARGETS]) {
  double ratios[BENCH_ROUNDS_MAX];
  for (unsigned r = 0; r < job->rounds; r++) ratios[r] = results[0].rate[r] / results[1].rate[r];
  return bench_median(ratios, job->rounds);
}

/* The same of the median latencies, of a batch for one signature: what other processes on the machine take away shows
 * less in it. */
static double ratio_p50(const struct bench_job *job, const struct bench_result results[BENCH_TARGETS]) {
  double own = chio_histogram_at(&results[0].latencies, 0.5) / job->targets[0].batch;
  return own > 0 ? chio_histogram_at(&results[1].latencies, 0.5) / own : 0;
}

static void print_json_string(const char *text) {
  (void)putchar('"');
  for (; *text != 0; text++) {
    unsigned char c = (unsigned char)*text;
    if (c == '"' || c == '\\')
      (void)printf("\\%c", c);
    else if (c < 0x20)
      (void)printf("\\u%04x", c);
    else
      (void)putchar(c);
  }
  (void)putchar('"');
}

static void json_target(const struct bench_job *job, const struct bench_target *target,
                        const struct bench_result *result) {
  const struct chio_histogram *h = &result->latencies;
  (void)printf("{\"name\":");
  print_json_string(target->name);
  if (target->batch > 1) (void)printf(",\"batch\":%u", target->batch);
  (void)printf(",\"operations\":%llu,\"per_second\":%.1f,\"p50_us\":%.3f,\"p99_us\":%.3f,\"max_us\":%.3f}",
               (unsigned long long)h->count, bench_median(result->rate, job->rounds),
               microseconds(chio_histogram_at(h, 0.5)), microseconds(chio_histogram_at(h, 0.99)),
               microseconds((double)h->max));
}

static void report_json(const struct bench_job *job, const struct bench_result results[BENCH_TARGETS],
                        double own_cost) {
  (void)printf("{\"operation\":\"%s\",\"mechanism\":\"%s\",\"threads\":%u,\"processes\":%u,\"rounds\":%u,"
               "\"own_cost_ns\":%.1f,\"targets\":[",
               job->operation->name, job->algorithm->name, job->threads, job->processes, job->rounds, own_cost);
  for (unsigned t = 0; t < job->target_count; t++) {
    if (t > 0) (void)putchar(',');
    json_target(job, &job->targets[t], &results[t]);
  }
  (void)putchar(']');
  if (job->target_count == 2)
    (void)printf(",\"ratio\":%.4f,\"ratio_p50\":%.4f", ratio(job, results), ratio_p50(job, results));
  (void)printf("}\n");
}

static const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash != NULL ? slash + 1 : path;
}

/* "chio-pkcs11.so x 64" for a batch. */
static const char *name_of(const struct bench_target *target, char out[NAME_MAX_LEN]) {
  if (target->batch == 1) return base_name(target->name);
  (void)snprintf(out, NAME_MAX_LEN, "%s x %u", base_name(target->name), target->batch);
  return out;
}

static void report_table(const struct bench_job *job, const struct bench_result results[BENCH_TARGETS],
                         double own_cost) {
  char name[BENCH_TARGETS][NAME_MAX_LEN];
  (void)printf("%s %s, %u process%s of %u thread%s, %u rounds\n", job->operation->name, job->algorithm->name,
               job->processes, job->processes == 1 ? "" : "es", job->threads, job->threads == 1 ? "" : "s",
               job->rounds);
  (void)printf("%-24s %12s %12s %12s %12s\n", "", "per second", "p50 us", "p99 us", "max us");
  for (unsigned t = 0; t < job->target_count; t++) {
    const struct chio_histogram *h = &results[t].latencies;
    (void)printf("%-24s %12.1f %12.2f %12.2f %12.2f\n", name_of(&job->targets[t], name[t]),
                 bench_median(results[t].rate, job->rounds), microseconds(chio_histogram_at(h, 0.5)),
                 microseconds(chio_histogram_at(h, 0.99)), microseconds((double)h->max));
  }
  if (job->target_count == 2)
    (void)printf("%s / %s = %.3f (by p50: %.3f)\n", name_of(&job->targets[0], name[0]),
                 name_of(&job->targets[1], name[1]), ratio(job, results), ratio_p50(job, results));
  (void)printf("(the measuring itself takes %.0f ns an operation)\n", own_cost);
}

void bench_report(const struct bench_job *job, const struct bench_result results[BENCH_TARGETS], double own_cost) {
  (job->json ? report_json : report_table)(job, results, own_cost);
  (void)fflush(stdout);
}
