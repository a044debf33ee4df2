#include "attest/moment.h"

#include <stdio.h>

static bool is_leap(int year) {
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in(int year, int month) {
  static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days from 1970-01-01; the calendar repeats every 400 years (146097 days). March is taken as the first month, so that
 * the leap day comes last. */
static int64_t days_from_civil(int year, int month, int day) {
  int y = month <= 2 ? year - 1 : year;
  int era = y / 400, of_era = y % 400;
  int of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  return (int64_t)era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

enum chio_err chio_moment_seconds(const struct chio_moment *m, int64_t *out) {
  if (m->year < 1900 || m->year > 9999 || m->month < 1 || m->month > 12) return CHIO_E_MALFORMED;
  if (m->day < 1 || m->day > days_in(m->year, m->month)) return CHIO_E_MALFORMED;
  if (m->hour > 23 || m->minute > 59 || m->second > 59 || m->hour < 0 || m->minute < 0 || m->second < 0) {
    return CHIO_E_MALFORMED;
  }
  *out = ((days_from_civil(m->year, m->month, m->day) * 24 + m->hour) * 60 + m->minute) * 60 + m->second;
  return CHIO_OK;
}

static bool digits(const uint8_t *at, size_t count, int *out) {
  int value = 0;
  for (size_t i = 0; i < count; i++) {
    if (at[i] < '0' || at[i] > '9') return false;
    value = value * 10 + (at[i] - '0');
  }
  *out = value;
  return true;
}

/* Z, or +hh:mm: seconds east of UTC. */
static enum chio_err parse_offset(const uint8_t *at, size_t len, int *out) {
  int hours, minutes;
  if (len == 1 && (*at == 'Z' || *at == 'z')) {
    *out = 0;
    return CHIO_OK;
  }
  if (len != 6 || (*at != '+' && *at != '-') || at[3] != ':') return CHIO_E_MALFORMED;
  if (!digits(at + 1, 2, &hours) || !digits(at + 4, 2, &minutes) || hours > 23 || minutes > 59) return CHIO_E_MALFORMED;
  *out = (hours * 60 + minutes) * (*at == '-' ? -60 : 60);
  return CHIO_OK;
}

enum chio_err chio_moment_parse(struct chio_slice text, int64_t *out) {
  const uint8_t *at = text.data;
  struct chio_moment m;
  if (text.len < 20 || at[4] != '-' || at[7] != '-' || at[13] != ':' || at[16] != ':') return CHIO_E_MALFORMED;
  if (at[10] != 'T' && at[10] != 't' && at[10] != ' ') return CHIO_E_MALFORMED;
  if (!digits(at, 4, &m.year) || !digits(at + 5, 2, &m.month) || !digits(at + 8, 2, &m.day) ||
      !digits(at + 11, 2, &m.hour) || !digits(at + 14, 2, &m.minute) || !digits(at + 17, 2, &m.second)) {
    return CHIO_E_MALFORMED;
  }
  size_t i = 19;
  if (at[i] == '.') {
    size_t start = ++i;
    while (i < text.len && at[i] >= '0' && at[i] <= '9') i++;
    if (i == start) return CHIO_E_MALFORMED;
  }
  int offset;
  enum chio_err err = parse_offset(at + i, text.len - i, &offset);
  if (err != CHIO_OK) return err;
  int64_t seconds;
  err = chio_moment_seconds(&m, &seconds);
  if (err == CHIO_OK) *out = seconds - offset;
  return err;
}

void chio_moment_text(int64_t seconds, char out[CHIO_MOMENT_TEXT]) {
  int64_t days = seconds / 86400, rest = seconds % 86400;
  if (rest < 0) days--, rest += 86400;
  int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, of_era = z - era * 146097;
  int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100), mp = (5 * of_year + 2) / 153;
  int64_t month = mp < 10 ? mp + 3 : mp - 9, year = year_of_era + era * 400 + (month <= 2);
  (void)snprintf(out, CHIO_MOMENT_TEXT, "%04d-%02d-%02dT%02d:%02d:%02dZ", (int)year, (int)month,
                 (int)(of_year - (153 * mp + 2) / 5 + 1), (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60));
}
