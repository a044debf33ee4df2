#include "kms-adapters/aws_xml.h"

/* One walk over a document. */
struct walk {
  struct chio_slice rest;
  struct chio_slice open[CHIO_AWS_XML_DEPTH_MAX]; /* names of the elements that are open, with their prefixes */
  size_t depth;
  const char *wanted;
  const uint8_t *from;     /* where the text of the wanted element begins; NULL: not seen */
  size_t wanted_depth;     /* depth inside the wanted element */
  struct chio_slice found; /* data NULL: not yet */
  bool root_ended;
};

static void advance(struct walk *w, size_t len) {
  w->rest = chio_slice(w->rest.data + len, w->rest.len - len);
}

static bool starts(struct chio_slice text, const char *word) {
  size_t len = strlen(word);
  return text.len >= len && memcmp(text.data, word, len) == 0;
}

static bool blank(uint8_t c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct chio_slice trim(struct chio_slice text) {
  while (text.len > 0 && blank(text.data[0])) text = chio_slice(text.data + 1, text.len - 1);
  while (text.len > 0 && blank(text.data[text.len - 1])) text.len--;
  return text;
}

static bool name_char(uint8_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
         c == '.' || c == ':';
}

static bool is_wanted(const struct walk *w, struct chio_slice name) {
  const uint8_t *colon = memchr(name.data, ':', name.len);
  if (colon != NULL) name = chio_slice(colon + 1, name.len - (size_t)(colon + 1 - name.data));
  return chio_slice_equal(name, chio_slice_str(w->wanted));
}

/* Past the attributes to the ">" of a tag; quoted values may hold one. */
static enum chio_err end_of_tag(struct walk *w, bool *out_empty) {
  uint8_t quote = 0;
  uint8_t last = 0;
  for (size_t i = 0; i < w->rest.len; i++) {
    uint8_t c = w->rest.data[i];
    if (quote == 0 && c == '<') return CHIO_E_MALFORMED;
    if (quote == 0 && c == '>') {
      *out_empty = last == '/';
      advance(w, i + 1);
      return CHIO_OK;
    }
    if (quote != 0 && c == quote) quote = 0;
    else if (quote == 0 && (c == '"' || c == '\'')) quote = c;
    last = c;
  }
  return CHIO_E_MALFORMED;
}

static enum chio_err read_name(struct walk *w, struct chio_slice *out_name) {
  size_t len = 0;
  while (len < w->rest.len && name_char(w->rest.data[len])) len++;
  if (len == 0) return CHIO_E_MALFORMED;
  if (len > CHIO_AWS_XML_NAME_MAX) return CHIO_E_TOO_LONG;
  *out_name = chio_slice(w->rest.data, len);
  advance(w, len);
  return CHIO_OK;
}

static void note_end(struct walk *w) {
  w->depth--;
  w->root_ended = w->depth == 0;
}

static enum chio_err open_tag(struct walk *w) {
  struct chio_slice name;
  bool empty;
  advance(w, 1);
  enum chio_err err = read_name(w, &name);
  if (err == CHIO_OK) err = end_of_tag(w, &empty);
  if (err != CHIO_OK) return err;
  if (w->depth == CHIO_AWS_XML_DEPTH_MAX) return CHIO_E_TOO_DEEP;
  if (w->from != NULL && w->found.data == NULL) return CHIO_E_MALFORMED;
  w->open[w->depth++] = name;
  bool first = w->from == NULL && is_wanted(w, name);
  if (first) {
    w->from = w->rest.data;
    w->wanted_depth = w->depth;
  }
  if (!empty) return CHIO_OK;
  if (first) w->found = chio_slice(name.data, 0);
  note_end(w);
  return CHIO_OK;
}

static enum chio_err close_tag(struct walk *w) {
  const uint8_t *end = w->rest.data;
  struct chio_slice name;
  bool empty;
  advance(w, 2);
  enum chio_err err = read_name(w, &name);
  if (err == CHIO_OK) err = end_of_tag(w, &empty);
  if (err != CHIO_OK) return err;
  if (w->depth == 0 || empty || !chio_slice_equal(name, w->open[w->depth - 1])) return CHIO_E_MALFORMED;
  if (w->from != NULL && w->found.data == NULL && w->depth == w->wanted_depth)
    w->found = trim(chio_slice(w->from, (size_t)(end - w->from)));
  note_end(w);
  return CHIO_OK;
}

/* "<?xml ... ?>" and comments carry nothing. */
static enum chio_err skip_to(struct walk *w, const char *end) {
  size_t len = strlen(end);
  for (size_t i = 0; i + len <= w->rest.len; i++) {
    if (memcmp(w->rest.data + i, end, len) != 0) continue;
    advance(w, i + len);
    return CHIO_OK;
  }
  return CHIO_E_MALFORMED;
}

static enum chio_err step(struct walk *w) {
  if (w->rest.data[0] != '<') {
    if (w->depth == 0 && !blank(w->rest.data[0])) return CHIO_E_MALFORMED;
    advance(w, 1);
    return CHIO_OK;
  }
  if (starts(w->rest, "</")) return close_tag(w);
  if (starts(w->rest, "<?")) return skip_to(w, "?>");
  if (starts(w->rest, "<!--")) return skip_to(w, "-->");
  return w->root_ended ? CHIO_E_MALFORMED : open_tag(w);
}

enum chio_err chio_aws_xml_text(struct chio_slice document, const char *name, struct chio_slice *out_text) {
  struct walk w = {.rest = document, .wanted = name};
  while (w.rest.len > 0) {
    enum chio_err err = step(&w);
    if (err != CHIO_OK) return err;
  }
  if (!w.root_ended) return CHIO_E_MALFORMED;
  if (w.found.data == NULL) return CHIO_E_NOT_FOUND;
  *out_text = w.found;
  return CHIO_OK;
}
