#include "tools/bench/histogram.h"

#define SUB_BITS 5u

/* Values below BENCH_SUB have a bucket each; above, the five bits after the leading one choose within its doubling. */
static unsigned bucket_of(uint64_t value) {
  if (value < BENCH_SUB) return (unsigned)value;
  unsigned top = 63u - (unsigned)__builtin_clzll(value);
  unsigned bucket = (top - SUB_BITS + 1) * BENCH_SUB + (unsigned)((value >> (top - SUB_BITS)) & (BENCH_SUB - 1));
  return bucket < BENCH_BUCKETS ? bucket : BENCH_BUCKETS - 1;
}

static double middle_of(unsigned bucket) {
  if (bucket < BENCH_SUB) return bucket;
  unsigned shift = bucket / BENCH_SUB - 1;
  uint64_t low = (uint64_t)(BENCH_SUB + bucket % BENCH_SUB) << shift;
  return (double)low + (double)(1ull << shift) / 2;
}

void bench_histogram_add(struct bench_histogram *h, uint64_t nanoseconds) {
  h->count++;
  h->sum += nanoseconds;
  if (nanoseconds > h->max) h->max = nanoseconds;
  h->bucket[bucket_of(nanoseconds)]++;
}

void bench_histogram_merge(struct bench_histogram *into, const struct bench_histogram *from) {
  into->count += from->count;
  into->sum += from->sum;
  if (from->max > into->max) into->max = from->max;
  for (unsigned i = 0; i < BENCH_BUCKETS; i++) into->bucket[i] += from->bucket[i];
}

double bench_histogram_at(const struct bench_histogram *h, double part) {
  uint64_t want = (uint64_t)(part * (double)h->count);
  uint64_t seen = 0;
  for (unsigned i = 0; i < BENCH_BUCKETS; i++) {
    seen += h->bucket[i];
    if (seen > want) return middle_of(i) < (double)h->max ? middle_of(i) : (double)h->max;
  }
  return (double)h->max;
}
