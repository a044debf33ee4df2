#include "signer/base/histogram.h"

#define SUB_BITS 5u

/* Values below CHIO_HISTOGRAM_SUB have a bucket each; above, the five bits after the leading one choose within its
 * doubling. */
static unsigned bucket_of(uint64_t value) {
  if (value < CHIO_HISTOGRAM_SUB) return (unsigned)value;
  unsigned top = 63u - (unsigned)__builtin_clzll(value);
  unsigned within = (unsigned)((value >> (top - SUB_BITS)) & (CHIO_HISTOGRAM_SUB - 1));
  unsigned bucket = (top - SUB_BITS + 1) * CHIO_HISTOGRAM_SUB + within;
  return bucket < CHIO_HISTOGRAM_BUCKETS ? bucket : CHIO_HISTOGRAM_BUCKETS - 1;
}

static double middle_of(unsigned bucket) {
  if (bucket < CHIO_HISTOGRAM_SUB) return bucket;
  unsigned shift = bucket / CHIO_HISTOGRAM_SUB - 1;
  uint64_t low = (uint64_t)(CHIO_HISTOGRAM_SUB + bucket % CHIO_HISTOGRAM_SUB) << shift;
  return (double)low + (double)(1ull << shift) / 2;
}

void chio_histogram_add(struct chio_histogram *h, uint64_t nanoseconds) {
  h->count++;
  h->sum += nanoseconds;
  if (nanoseconds > h->max) h->max = nanoseconds;
  h->bucket[bucket_of(nanoseconds)]++;
}

void chio_histogram_merge(struct chio_histogram *into, const struct chio_histogram *from) {
  into->count += from->count;
  into->sum += from->sum;
  if (from->max > into->max) into->max = from->max;
  for (unsigned i = 0; i < CHIO_HISTOGRAM_BUCKETS; i++) into->bucket[i] += from->bucket[i];
}

double chio_histogram_at(const struct chio_histogram *h, double part) {
  uint64_t want = (uint64_t)(part * (double)h->count);
  uint64_t seen = 0;
  for (unsigned i = 0; i < CHIO_HISTOGRAM_BUCKETS; i++) {
    seen += h->bucket[i];
    if (seen > want) return middle_of(i) < (double)h->max ? middle_of(i) : (double)h->max;
  }
  return (double)h->max;
}
