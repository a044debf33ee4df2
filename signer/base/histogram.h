/* Latencies in buckets that are 1/32 wide: percentiles within about 3 %, at a fixed cost for each. */
#ifndef CHIO_BASE_HISTOGRAM_H
#define CHIO_BASE_HISTOGRAM_H

#include <stdint.h>

#define CHIO_HISTOGRAM_SUB 32u /* buckets for each doubling */
#define CHIO_HISTOGRAM_BUCKETS (CHIO_HISTOGRAM_SUB * 40u)

struct chio_histogram {
  uint64_t count;
  uint64_t sum; /* nanoseconds */
  uint64_t max;
  uint32_t bucket[CHIO_HISTOGRAM_BUCKETS];
};

void chio_histogram_add(struct chio_histogram *h, uint64_t nanoseconds);
void chio_histogram_merge(struct chio_histogram *into, const struct chio_histogram *from);
/* The latency that this part (0.5, 0.99) of all does not exceed, in nanoseconds; 0 when there are none. */
double chio_histogram_at(const struct chio_histogram *h, double part);

#endif
