#include "kms-adapters/aws_clock.h"

#define YEAR_MIN 2000
#define YEAR_MAX 9998
#define BASIC_LEN 16u /* "20261120T185402Z" */

static bool digits(struct chio_slice text, size_t at, size_t count, int *out_number) {
  int number = 0;
  if (at + count > text.len) return false;
  for (size_t i = at; i < at + count; i++) {
    if (text.data[i] < '0' || text.data[i] > '9') return false;
    number = number * 10 + (text.data[i] - '0');
  }
  *out_number = number;
  return true;
}

static bool has(struct chio_slice text, size_t at, const char *word) {
  size_t len = strlen(word);
  return at + len <= text.len && memcmp(text.data + at, word, len) == 0;
}

static enum chio_err moment(struct tm *utc, time_t *out_time) {
  bool fits = utc->tm_year >= YEAR_MIN && utc->tm_year <= YEAR_MAX && utc->tm_mon >= 1 && utc->tm_mon <= 12 &&
              utc->tm_mday >= 1 && utc->tm_mday <= 31 && utc->tm_hour <= 23 && utc->tm_min <= 59 && utc->tm_sec <= 60;
  if (!fits) return CHIO_E_MALFORMED;
  utc->tm_year -= 1900;
  utc->tm_mon -= 1;
  *out_time = timegm(utc);
  return CHIO_OK;
}

static bool time_of_day(struct chio_slice text, size_t at, struct tm *utc) {
  return digits(text, at, 2, &utc->tm_hour) && has(text, at + 2, ":") && digits(text, at + 3, 2, &utc->tm_min) &&
         has(text, at + 5, ":") && digits(text, at + 6, 2, &utc->tm_sec);
}

enum chio_err chio_aws_time_http(struct chio_slice text, time_t *out_time) {
  static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  struct tm utc = {0};
  bool fits = text.len == 29 && has(text, 3, ", ") && digits(text, 5, 2, &utc.tm_mday) && has(text, 7, " ") &&
              has(text, 11, " ") && digits(text, 12, 4, &utc.tm_year) && has(text, 16, " ") &&
              time_of_day(text, 17, &utc) && has(text, 25, " GMT");
  if (!fits) return CHIO_E_MALFORMED;
  for (int i = 0; i < 12; i++)
    if (memcmp(text.data + 8, months + (size_t)i * 3, 3) == 0) utc.tm_mon = i + 1;
  return moment(&utc, out_time);
}

enum chio_err chio_aws_time_iso(struct chio_slice text, time_t *out_time) {
  struct tm utc = {0};
  bool fits = text.len >= 20 && digits(text, 0, 4, &utc.tm_year) && has(text, 4, "-") &&
              digits(text, 5, 2, &utc.tm_mon) && has(text, 7, "-") && digits(text, 8, 2, &utc.tm_mday) &&
              has(text, 10, "T") && time_of_day(text, 11, &utc);
  size_t at = 19;
  if (fits && has(text, at, "."))
    for (at++; at < text.len && text.data[at] >= '0' && text.data[at] <= '9';) at++;
  if (!fits || at + 1 != text.len || text.data[at] != 'Z') return CHIO_E_MALFORMED;
  return moment(&utc, out_time);
}

enum chio_err chio_aws_time_basic(struct chio_slice text, time_t *out_time) {
  struct tm utc = {0};
  bool fits = text.len == BASIC_LEN && digits(text, 0, 4, &utc.tm_year) && digits(text, 4, 2, &utc.tm_mon) &&
              digits(text, 6, 2, &utc.tm_mday) && has(text, 8, "T") && digits(text, 9, 2, &utc.tm_hour) &&
              digits(text, 11, 2, &utc.tm_min) && digits(text, 13, 2, &utc.tm_sec) && has(text, 15, "Z");
  return fits ? moment(&utc, out_time) : CHIO_E_MALFORMED;
}

enum chio_err chio_aws_time_in_message(struct chio_slice message, time_t *out_time) {
  time_t times[3];
  size_t found = 0;
  for (size_t i = 0; i + BASIC_LEN <= message.len && found < CHIO_ARRAY_LEN(times); i++)
    if (chio_aws_time_basic(chio_slice(message.data + i, BASIC_LEN), &times[found]) == CHIO_OK) found++;
  if (found < 2) return CHIO_E_NOT_FOUND;
  *out_time = times[found - 1];
  return CHIO_OK;
}

static bool explains(time_t server, int64_t offset_so_far, int64_t *out_offset) {
  int64_t offset = (int64_t)server - (int64_t)time(NULL);
  int64_t change = offset - offset_so_far;
  if (change > -CHIO_AWS_SKEW_MIN_S && change < CHIO_AWS_SKEW_MIN_S) return false;
  *out_offset = offset;
  return true;
}

enum chio_err chio_aws_skew(const struct chio_http_reply *reply, struct chio_slice message, int64_t offset_so_far,
                            int64_t *out_offset) {
  time_t server;
  if (chio_aws_time_http(chio_http_reply_header(reply, "date"), &server) == CHIO_OK &&
      explains(server, offset_so_far, out_offset))
    return CHIO_OK;
  if (chio_aws_time_in_message(message, &server) == CHIO_OK && explains(server, offset_so_far, out_offset))
    return CHIO_OK;
  return CHIO_E_NOT_FOUND;
}

uint64_t chio_aws_life_ms(const struct chio_http_reply *reply, time_t end) {
  time_t now;
  if (chio_aws_time_http(chio_http_reply_header(reply, "date"), &now) != CHIO_OK) now = time(NULL);
  return end > now ? (uint64_t)(end - now) * 1000u : 1u;
}
