#include "attest/json.h"

#include "signer/base/text.h"
#include "signer/base/utf8.h"
#include <stdlib.h>

struct chio_json_doc {
  struct chio_json *nodes; /* nodes[0] is not used, so that index 0 can end a list */
  uint32_t count, cap;
  uint8_t *strings; /* decoded strings that had escapes; never longer than the text */
  size_t strings_len;
};

struct parser {
  struct chio_json_doc *doc;
  const uint8_t *at, *end;
};

static enum chio_err parse_value(struct parser *p, unsigned depth, uint32_t *out_index);

static void skip_space(struct parser *p) {
  while (p->at < p->end && (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r')) p->at++;
}

static enum chio_err node_new(struct chio_json_doc *doc, uint32_t *out_index) {
  if (doc->count == doc->cap) {
    uint32_t cap = doc->cap * 2;
    struct chio_json *grown = reallocarray(doc->nodes, cap, sizeof *grown);
    if (grown == NULL) return CHIO_E_NO_MEMORY;
    doc->nodes = grown;
    doc->cap = cap;
  }
  memset(&doc->nodes[doc->count], 0, sizeof *doc->nodes);
  *out_index = doc->count++;
  return CHIO_OK;
}

/* ---- Strings ---- */

static enum chio_err parse_u16(struct parser *p, uint32_t *out) {
  if (p->end - p->at < 4) return CHIO_E_MALFORMED;
  uint32_t value = 0;
  for (int i = 0; i < 4; i++) {
    int digit = chio_hex_digit(*p->at++);
    if (digit < 0) return CHIO_E_MALFORMED;
    value = value << 4 | (uint32_t)digit;
  }
  *out = value;
  return CHIO_OK;
}

/* After a backslash. A surrogate without its partner is refused: it has no UTF-8. */
static enum chio_err parse_escape(struct parser *p, uint8_t *out, size_t *out_len) {
  static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
  if (p->at == p->end) return CHIO_E_MALFORMED;
  uint8_t c = *p->at++;
  if (c != 'u') {
    const char *found = c != 0 ? strchr(names, c) : NULL;
    if (found == NULL) return CHIO_E_MALFORMED;
    out[0] = (uint8_t)values[found - names];
    *out_len = 1;
    return CHIO_OK;
  }
  uint32_t code, low;
  enum chio_err err = parse_u16(p, &code);
  if (err != CHIO_OK) return err;
  if (code >= 0xdc00 && code <= 0xdfff) return CHIO_E_MALFORMED;
  if (code >= 0xd800 && code <= 0xdbff) {
    if (p->end - p->at < 2 || p->at[0] != '\\' || p->at[1] != 'u') return CHIO_E_MALFORMED;
    p->at += 2;
    err = parse_u16(p, &low);
    if (err != CHIO_OK) return err;
    if (low < 0xdc00 || low > 0xdfff) return CHIO_E_MALFORMED;
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  }
  *out_len = chio_utf8_encode(code, out);
  return CHIO_OK;
}

/* At the opening quote. Strings without escapes are borrowed from the text. */
static enum chio_err parse_string(struct parser *p, struct chio_slice *out) {
  if (p->at == p->end || *p->at != '"') return CHIO_E_MALFORMED;
  const uint8_t *start = ++p->at;
  while (p->at < p->end && *p->at != '"' && *p->at != '\\' && *p->at >= 0x20) p->at++;
  if (p->at == p->end || *p->at < 0x20) return CHIO_E_MALFORMED;
  if (*p->at == '"') {
    *out = chio_slice(start, (size_t)(p->at++ - start));
    return chio_utf8_valid(*out) ? CHIO_OK : CHIO_E_MALFORMED;
  }
  uint8_t *decoded = p->doc->strings + p->doc->strings_len;
  size_t len = (size_t)(p->at - start);
  memcpy(decoded, start, len);
  while (p->at < p->end && *p->at != '"') {
    uint8_t c = *p->at++;
    if (c < 0x20) return CHIO_E_MALFORMED;
    if (c != '\\') {
      decoded[len++] = c;
      continue;
    }
    size_t put;
    enum chio_err err = parse_escape(p, decoded + len, &put);
    if (err != CHIO_OK) return err;
    len += put;
  }
  if (p->at == p->end) return CHIO_E_MALFORMED;
  p->at++;
  p->doc->strings_len += len;
  *out = chio_slice(decoded, len);
  return chio_utf8_valid(*out) ? CHIO_OK : CHIO_E_MALFORMED;
}

/* ---- Numbers and words ---- */

static size_t skip_digits(struct parser *p) {
  const uint8_t *start = p->at;
  while (p->at < p->end && *p->at >= '0' && *p->at <= '9') p->at++;
  return (size_t)(p->at - start);
}

static enum chio_err parse_number(struct parser *p) {
  if (*p->at == '-') p->at++;
  bool zero = p->at < p->end && *p->at == '0';
  size_t digits = skip_digits(p);
  if (digits == 0 || (zero && digits > 1)) return CHIO_E_MALFORMED;
  if (p->at < p->end && *p->at == '.') {
    p->at++;
    if (skip_digits(p) == 0) return CHIO_E_MALFORMED;
  }
  if (p->at < p->end && (*p->at == 'e' || *p->at == 'E')) {
    p->at++;
    if (p->at < p->end && (*p->at == '+' || *p->at == '-')) p->at++;
    if (skip_digits(p) == 0) return CHIO_E_MALFORMED;
  }
  return CHIO_OK;
}

static enum chio_err parse_word(struct parser *p, enum chio_json_type *out_type) {
  static const struct {
    const char *text;
    enum chio_json_type type;
  } words[] = {{"null", CHIO_JSON_NULL}, {"false", CHIO_JSON_FALSE}, {"true", CHIO_JSON_TRUE}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(words); i++) {
    size_t len = strlen(words[i].text);
    if ((size_t)(p->end - p->at) >= len && memcmp(p->at, words[i].text, len) == 0) {
      p->at += len;
      *out_type = words[i].type;
      return CHIO_OK;
    }
  }
  return CHIO_E_MALFORMED;
}

/* ---- Arrays and objects ---- */

static int compare_keys(const void *a, const void *b) {
  const struct chio_slice *x = a, *y = b;
  size_t len = x->len < y->len ? x->len : y->len;
  int order = len > 0 ? memcmp(x->data, y->data, len) : 0;
  if (order != 0) return order;
  return x->len < y->len ? -1 : x->len > y->len;
}

static enum chio_err refuse_duplicates(struct chio_json_doc *doc, uint32_t object) {
  uint32_t count = doc->nodes[object].count, n = 0;
  if (count < 2) return CHIO_OK;
  struct chio_slice few[32], *keys = few;
  if (count > CHIO_ARRAY_LEN(few)) keys = calloc(count, sizeof *keys);
  if (keys == NULL) return CHIO_E_NO_MEMORY;
  for (uint32_t i = doc->nodes[object].first; i != 0; i = doc->nodes[i].next) keys[n++] = doc->nodes[i].key;
  qsort(keys, n, sizeof *keys, compare_keys);
  enum chio_err err = CHIO_OK;
  for (uint32_t i = 1; i < n; i++) {
    if (chio_slice_equal(keys[i - 1], keys[i])) err = CHIO_E_MALFORMED;
  }
  if (keys != few) free(keys);
  return err;
}

static enum chio_err parse_member(struct parser *p, unsigned depth, bool keyed, uint32_t *out_index) {
  struct chio_slice key = {NULL, 0};
  enum chio_err err;
  skip_space(p);
  if (keyed) {
    err = parse_string(p, &key);
    if (err != CHIO_OK) return err;
    skip_space(p);
    if (p->at == p->end || *p->at++ != ':') return CHIO_E_MALFORMED;
  }
  err = parse_value(p, depth + 1, out_index);
  if (err != CHIO_OK) return err;
  p->doc->nodes[*out_index].key = key;
  skip_space(p);
  return p->at < p->end ? CHIO_OK : CHIO_E_MALFORMED;
}

/* The plain numbers that stand at the head of an array, each with its comma: bytes are often written so, by the
 * thousand, and parse_value takes several times as long. Stops before the first element that is anything else, or is
 * the last. */
static enum chio_err parse_plain_numbers(struct parser *p, uint32_t index, uint32_t *last) {
  const uint8_t *at = p->at, *end = p->end;
  for (;;) {
    const uint8_t *start = at;
    while (at < end && *at >= '0' && *at <= '9') at++;
    size_t len = (size_t)(at - start);
    if (len == 0 || at == end || *at != ',' || (len > 1 && *start == '0')) return CHIO_OK;
    uint32_t child;
    enum chio_err err = node_new(p->doc, &child);
    if (err != CHIO_OK) return err;
    struct chio_json *nodes = p->doc->nodes;
    nodes[child].type = CHIO_JSON_NUMBER;
    nodes[child].raw = chio_slice(start, len);
    if (*last == 0)
      nodes[index].first = child;
    else
      nodes[*last].next = child;
    nodes[index].count++;
    *last = child;
    p->at = ++at;
    while (at < end && *at == ' ') at++;
  }
}

/* At the opening bracket; index is the container's own node. */
static enum chio_err parse_container(struct parser *p, unsigned depth, uint32_t index) {
  bool keyed = *p->at == '{';
  uint8_t closing = keyed ? '}' : ']';
  p->at++;
  skip_space(p);
  if (p->at < p->end && *p->at == closing) {
    p->at++;
    return CHIO_OK;
  }
  uint32_t last = 0, child;
  enum chio_err err = keyed ? CHIO_OK : parse_plain_numbers(p, index, &last);
  if (err != CHIO_OK) return err;
  for (;;) {
    err = parse_member(p, depth, keyed, &child);
    if (err != CHIO_OK) return err;
    if (last == 0)
      p->doc->nodes[index].first = child;
    else
      p->doc->nodes[last].next = child;
    last = child;
    p->doc->nodes[index].count++;
    uint8_t c = *p->at++;
    if (c == closing) break;
    if (c != ',') return CHIO_E_MALFORMED;
  }
  return keyed ? refuse_duplicates(p->doc, index) : CHIO_OK;
}

static enum chio_err parse_value(struct parser *p, unsigned depth, uint32_t *out_index) {
  if (depth > CHIO_JSON_DEPTH_MAX) return CHIO_E_TOO_DEEP;
  skip_space(p);
  if (p->at == p->end) return CHIO_E_MALFORMED;
  uint32_t index;
  enum chio_err err = node_new(p->doc, &index);
  if (err != CHIO_OK) return err;
  const uint8_t *start = p->at;
  struct chio_slice string = {NULL, 0};
  enum chio_json_type type = CHIO_JSON_NUMBER;
  switch (*start) {
    case '{':
    case '[':
      type = *start == '{' ? CHIO_JSON_OBJECT : CHIO_JSON_ARRAY;
      err = parse_container(p, depth, index);
      break;
    case '"':
      type = CHIO_JSON_STRING;
      err = parse_string(p, &string);
      break;
    case 'n':
    case 'f':
    case 't': err = parse_word(p, &type); break;
    default: err = parse_number(p);
  }
  if (err != CHIO_OK) return err;
  struct chio_json *node = &p->doc->nodes[index]; /* only now: parsing children may have moved the nodes */
  node->type = type;
  node->string = string;
  node->raw = chio_slice(start, (size_t)(p->at - start));
  *out_index = index;
  return CHIO_OK;
}

enum chio_err chio_json_parse(struct chio_slice text, struct chio_json_doc **out_doc) {
  if (text.len > CHIO_JSON_TEXT_MAX) return CHIO_E_TOO_LONG;
  if (text.len == 0) return CHIO_E_MALFORMED;
  CHIO_AUTO(chio_json_doc) struct chio_json_doc *doc = calloc(1, sizeof *doc);
  if (doc == NULL) return CHIO_E_NO_MEMORY;
  doc->cap = 64;
  doc->count = 1;
  doc->nodes = calloc(doc->cap, sizeof *doc->nodes);
  doc->strings = malloc(text.len);
  if (doc->nodes == NULL || doc->strings == NULL) return CHIO_E_NO_MEMORY;
  struct parser p = {doc, text.data, text.data + text.len};
  uint32_t root;
  enum chio_err err = parse_value(&p, 0, &root);
  if (err != CHIO_OK) return err;
  skip_space(&p);
  if (p.at != p.end) return CHIO_E_TRAILING;
  *out_doc = CHIO_STEAL(doc);
  return CHIO_OK;
}

void chio_json_free(struct chio_json_doc *doc) {
  if (doc == NULL) return;
  free(doc->nodes);
  free(doc->strings);
  free(doc);
}

/* ---- Access ---- */

const struct chio_json *chio_json_root(const struct chio_json_doc *doc) {
  return &doc->nodes[1];
}

const struct chio_json *chio_json_first(const struct chio_json_doc *doc, const struct chio_json *value) {
  return value != NULL && value->first != 0 ? &doc->nodes[value->first] : NULL;
}

const struct chio_json *chio_json_next(const struct chio_json_doc *doc, const struct chio_json *value) {
  return value != NULL && value->next != 0 ? &doc->nodes[value->next] : NULL;
}

const struct chio_json *chio_json_get(const struct chio_json_doc *doc, const struct chio_json *object,
                                      const char *name) {
  if (object == NULL || object->type != CHIO_JSON_OBJECT) return NULL;
  struct chio_slice wanted = chio_slice_str(name);
  for (const struct chio_json *m = chio_json_first(doc, object); m != NULL; m = chio_json_next(doc, m)) {
    if (chio_slice_equal(m->key, wanted)) return m;
  }
  return NULL;
}

enum chio_err chio_json_uint(const struct chio_json *value, uint64_t max, uint64_t *out) {
  if (value == NULL || value->type != CHIO_JSON_NUMBER) return CHIO_E_MALFORMED;
  uint64_t n = 0;
  for (size_t i = 0; i < value->raw.len; i++) {
    uint8_t c = value->raw.data[i];
    if (c < '0' || c > '9') return CHIO_E_MALFORMED;
    if (__builtin_mul_overflow(n, 10u, &n) || __builtin_add_overflow(n, (uint64_t)(c - '0'), &n) || n > max)
      return CHIO_E_MALFORMED;
  }
  *out = n;
  return CHIO_OK;
}

enum chio_err chio_json_string(const struct chio_json *value, struct chio_slice *out) {
  if (value == NULL || value->type != CHIO_JSON_STRING) return CHIO_E_MALFORMED;
  *out = value->string;
  return CHIO_OK;
}

enum chio_err chio_json_bool(const struct chio_json *value, bool *out) {
  if (value == NULL || (value->type != CHIO_JSON_TRUE && value->type != CHIO_JSON_FALSE)) return CHIO_E_MALFORMED;
  *out = value->type == CHIO_JSON_TRUE;
  return CHIO_OK;
}

bool chio_json_is(const struct chio_json *value, const char *text) {
  return value != NULL && value->type == CHIO_JSON_STRING && chio_slice_equal(value->string, chio_slice_str(text));
}

enum chio_err chio_json_hex(const struct chio_json *value, uint8_t *out, size_t len) {
  if (value == NULL || value->type != CHIO_JSON_STRING) return CHIO_E_MALFORMED;
  return chio_hex_decode(value->string, out, len);
}
