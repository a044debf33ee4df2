#include "tools/bench/options.h"
#include "tools/bench/report.h"

#include <stdlib.h>
#include <string.h>

/* Exit status: 0 measured, 1 failed, 2 wrong usage. */
int main(int argc, char **argv) {
  static struct bench_job job;
  static struct bench_result results[BENCH_TARGETS];
  enum bench_parsed parsed = bench_options(argc, argv, &job);
  if (parsed != BENCH_PARSED_RUN) return parsed == BENCH_PARSED_HELP ? 0 : 2;
  if (strcmp(job.operation->name, "prepare") == 0) return bench_run_apart(&job, bench_prepare_keys) ? 0 : 1;
  if (job.operation->needs_key && !bench_run_apart(&job, bench_prepare_signing)) return 1;
  bool start = strcmp(job.operation->name, "start") == 0;
  if (!(start ? bench_run_start : bench_run)(&job, results)) return 1;
  bench_report(&job, results, bench_own_cost());
  return 0;
}
