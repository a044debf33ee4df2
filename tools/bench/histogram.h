/* Latencies in buckets that are 1/32 wide: percentiles within about 3 %, at a fixed cost for each. */
#ifndef CHIO_BENCH_HISTOGRAM_H
#define CHIO_BENCH_HISTOGRAM_H

#include <stdint.h>

#define BENCH_SUB 32u /* buckets for each doubling */
#define BENCH_BUCKETS (BENCH_SUB * 40u)

struct bench_histogram {
  uint64_t count;
  uint64_t sum; /* nanoseconds */
  uint64_t max;
  uint32_t bucket[BENCH_BUCKETS];
};

void bench_histogram_add(struct bench_histogram *h, uint64_t nanoseconds);
void bench_histogram_merge(struct bench_histogram *into, const struct bench_histogram *from);
/* The latency that this part (0.5, 0.99) of all does not exceed, in nanoseconds; 0 when there are none. */
double bench_histogram_at(const struct bench_histogram *h, double part);

#endif
