#include "kms-adapters/aws_profile.h"

static bool blank(uint8_t c) {
  return c == ' ' || c == '\t' || c == '\r';
}

static struct chio_slice trim(struct chio_slice text) {
  while (text.len > 0 && blank(text.data[0])) text = chio_slice(text.data + 1, text.len - 1);
  while (text.len > 0 && blank(text.data[text.len - 1])) text.len--;
  return text;
}

static struct chio_slice next_line(struct chio_slice *rest) {
  const uint8_t *end = memchr(rest->data, '\n', rest->len);
  size_t len = end != NULL ? (size_t)(end - rest->data) : rest->len;
  struct chio_slice line = chio_slice(rest->data, len);
  size_t used = end != NULL ? len + 1 : len;
  *rest = chio_slice(rest->data + used, rest->len - used);
  return line;
}

/* "[profile NAME]" and "[NAME]": the name. In the config file only the default profile may stand without the word. */
static struct chio_slice section_name(struct chio_slice line, bool config) {
  static const struct chio_slice none = {NULL, 0};
  line = trim(line);
  const uint8_t *end = memchr(line.data, ']', line.len);
  if (end == NULL) return none;
  struct chio_slice name = trim(chio_slice(line.data + 1, (size_t)(end - line.data) - 1));
  if (!config || chio_slice_equal(name, chio_slice_str("default"))) return name;
  static const char word[] = "profile";
  size_t len = sizeof word - 1;
  if (name.len <= len || memcmp(name.data, word, len) != 0 || !blank(name.data[len])) return none;
  return trim(chio_slice(name.data + len, name.len - len));
}

static bool same_key(struct chio_slice a, const char *key) {
  if (a.len != strlen(key)) return false;
  for (size_t i = 0; i < a.len; i++) {
    uint8_t c = a.data[i] >= 'A' && a.data[i] <= 'Z' ? (uint8_t)(a.data[i] + ('a' - 'A')) : a.data[i];
    if (c != (uint8_t)key[i]) return false;
  }
  return true;
}

/* Finds a setting in a file; key NULL: only whether the section is there. */
static bool find(struct chio_slice file, bool config, const char *profile, const char *key,
                 struct chio_slice *out_value) {
  bool inside = false;
  bool found = false;
  while (file.len > 0) {
    struct chio_slice line = next_line(&file);
    if (line.len == 0 || line.data[0] == '#' || line.data[0] == ';' || blank(line.data[0])) continue;
    if (line.data[0] == '[') {
      struct chio_slice name = section_name(line, config);
      inside = name.len > 0 && chio_slice_equal(name, chio_slice_str(profile));
      found = found || (inside && key == NULL);
      continue;
    }
    const uint8_t *equals = memchr(line.data, '=', line.len);
    if (!inside || key == NULL || equals == NULL) continue;
    size_t at = (size_t)(equals - line.data);
    if (!same_key(trim(chio_slice(line.data, at)), key)) continue;
    *out_value = trim(chio_slice(line.data + at + 1, line.len - at - 1));
    found = true;
  }
  return found;
}

bool chio_aws_profile_exists(const struct chio_aws_profiles *files, const char *profile) {
  struct chio_slice none;
  return find(files->credentials, false, profile, NULL, &none) || find(files->config, true, profile, NULL, &none);
}

struct chio_slice chio_aws_profile_get(const struct chio_aws_profiles *files, const char *profile, const char *key) {
  struct chio_slice value = chio_slice(NULL, 0);
  if (find(files->credentials, false, profile, key, &value) && value.len > 0) return value;
  value = chio_slice(NULL, 0);
  (void)find(files->config, true, profile, key, &value);
  return value;
}
