/* Roots of trust and when they end. */
#ifndef TOOLS_HSM_ROOTS_H
#define TOOLS_HSM_ROOTS_H

#include "attest/chio_attest.h"

#define HSM_ROOTS_DAYS 180 /* a root that ends within so many days is to be looked after */

enum hsm_span { HSM_SPAN_GOOD, HSM_SPAN_UNKNOWN, HSM_SPAN_ENDS, HSM_SPAN_ENDED, HSM_SPAN_NOT_YET };

/* How a time stands to what is valid from and until: ENDS is within so many days, UNKNOWN both 0. */
enum hsm_span hsm_span_judge(int64_t from, int64_t until, int64_t at, int64_t days);

#endif
