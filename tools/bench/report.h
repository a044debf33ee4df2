/* The results as a table or as JSON on standard output. */
#ifndef CHIO_BENCH_REPORT_H
#define CHIO_BENCH_REPORT_H

#include "tools/bench/run.h"

void bench_report(const struct bench_job *job, const struct bench_result results[BENCH_TARGETS], double own_cost);

#endif
