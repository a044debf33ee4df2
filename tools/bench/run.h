/* Runs a job: processes and threads, rounds that alternate between the targets, results in shared memory. */
#ifndef CHIO_BENCH_RUN_H
#define CHIO_BENCH_RUN_H

#include "tools/bench/bench.h"
#include "signer/base/histogram.h"

struct bench_result {
  struct chio_histogram latencies;
  double rate[BENCH_ROUNDS_MAX]; /* operations (of a batch: signatures) a second, each round, all workers together */
};

/* Measures every target of the job; false, said on stderr, when a worker failed. */
bool bench_run(const struct bench_job *job, struct bench_result out[BENCH_TARGETS]);
/* start: a process for each measurement. */
bool bench_run_start(const struct bench_job *job, struct bench_result out[BENCH_TARGETS]);
/* Runs a function with the opened module of each target, in a process of its own. */
bool bench_run_apart(const struct bench_job *job,
                     bool (*function)(const struct bench_job *job, const struct bench_module *module));
/* What one turn of the measuring loop costs by itself, in nanoseconds. */
double bench_own_cost(void);

double bench_median(const double *values, unsigned count);

#endif
