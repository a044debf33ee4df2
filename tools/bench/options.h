/* The command line of chio-bench. */
#ifndef CHIO_BENCH_OPTIONS_H
#define CHIO_BENCH_OPTIONS_H

#include "tools/bench/bench.h"

enum bench_parsed { BENCH_PARSED_RUN, BENCH_PARSED_HELP, BENCH_PARSED_WRONG };

/* Fills the job out of the arguments; what is wrong is said on stderr. */
enum bench_parsed bench_options(int argc, char **argv, struct bench_job *out_job);

#endif
