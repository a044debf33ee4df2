/*
 * frames STEP...: speaks to chiod in raw bytes, for tests of what it does with strange ones. Each step is a word and
 * its arguments; what comes back is printed, one line each. A step that cannot be done ends with status 1.
 *
 *   open PATH             connect; later steps use this connection (they are numbered from 0)
 *   use N                 use connection N again
 *   hello                 send HELLO as request 1
 *   frame TYPE ID HEX     send a frame with that body
 *   header LEN TYPE FLAGS ID   send a header alone
 *   bytes HEX             send bytes
 *   zeros N               send N zero bytes, until the other end has had enough
 *   repeat N TYPE ID HEX  send a frame N times without waiting
 *   shut                  say that nothing more will be sent
 *   reply                 print the next reply: type, id, error's name, length of its body, text of an error
 *   replies N             read N replies, print how many there were of each error
 *   end                   expect the end of the connection; prints "end"
 *   sleep MILLISECONDS
 *   notified PATH N       make a datagram socket and print N messages that come to it
 *   door PATH             open the door; later steps may knock
 *   knock KIND HEX        send HEX through the door with: pair (a socketpair's end, which becomes the connection),
 * none,
 *                         two, pipe, datagram, listening, foreign (a pair that another process made)
 */
#include "signer/wire/message.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONNECTIONS_MAX 2048
#define PATIENCE_MS 20000

static int connections[CONNECTIONS_MAX];
static int connection_count;
static int current = -1;
static int door = -1;

static _Noreturn void fail(const char *what) {
  (void)fprintf(stderr, "frames: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void adopt(int fd) {
  if (connection_count == CONNECTIONS_MAX) fail("too many connections");
  connections[connection_count++] = fd;
  current = fd;
}

static int connect_to(const char *path, int type) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) fail(path);
  memcpy(address.sun_path, path, strlen(path));
  int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) fail(path);
  return fd;
}

/* False when the other end has had enough. */
static bool send_all(const uint8_t *data, size_t len) {
  while (len > 0) {
    ssize_t n = send(current, data, len, MSG_NOSIGNAL);
    if (n < 0 && (errno == EPIPE || errno == ECONNRESET)) return false;
    if (n < 0) fail("send");
    data += n;
    len -= (size_t)n;
  }
  return true;
}

static void send_buf(struct chio_buf *b) {
  if (chio_buf_err(b) != CHIO_OK) fail("memory");
  if (!send_all(b->data, b->len)) (void)printf("send: refused\n");
  chio_buf_clear(b);
}

static void add_hex(struct chio_buf *out, const char *hex) {
  for (; hex[0] != '\0' && hex[1] != '\0'; hex += 2) {
    char pair[3] = {hex[0], hex[1], '\0'};
    chio_buf_append_u8(out, (uint8_t)strtoul(pair, NULL, 16));
  }
}

static unsigned long number(const char *text) {
  return strtoul(text, NULL, 0);
}

static void add_header(struct chio_buf *out, unsigned long length, unsigned long type, unsigned long flags,
                       unsigned long id) {
  const struct chio_frame_header header = {.length = (uint32_t)length,
                                           .type = (uint16_t)type,
                                           .flags = (uint16_t)flags,
                                           .request_id = (uint32_t)id};
  chio_frame_encode(&header, out);
}

static void add_frame(struct chio_buf *out, const char *type, const char *id, const char *hex) {
  size_t start = out->len;
  add_header(out, 0, number(type), 0, number(id));
  add_hex(out, hex);
  if (chio_frame_finish(out, start) != CHIO_OK) fail("frame");
}

/* Exactly len bytes; false at the end of the connection. */
static bool receive(uint8_t *out, size_t len) {
  for (size_t have = 0; have < len;) {
    struct pollfd p = {.fd = current, .events = POLLIN};
    if (poll(&p, 1, PATIENCE_MS) != 1) fail("no answer");
    ssize_t n = recv(current, out + have, len - have, 0);
    if (n == 0 || (n < 0 && errno == ECONNRESET)) return false;
    if (n < 0) fail("recv");
    have += (size_t)n;
  }
  return true;
}

/* The body is the caller's to clear. */
static bool receive_frame(struct chio_frame_header *out_header, struct chio_buf *body) {
  uint8_t raw[CHIO_FRAME_HEADER_SIZE];
  if (!receive(raw, sizeof raw)) return false;
  if (chio_frame_decode(chio_slice(raw, sizeof raw), out_header) != CHIO_OK) fail("the reply is no frame");
  uint8_t *room = chio_buf_reserve(body, out_header->length + 1);
  if (room == NULL) fail("memory");
  if (!receive(room, out_header->length)) return false;
  body->len += out_header->length;
  return true;
}

static void print_reply(void) {
  struct chio_buf body = CHIO_BUF_INIT;
  struct chio_frame_header header;
  if (!receive_frame(&header, &body)) {
    (void)printf("end\n");
    return;
  }
  (void)printf("type=%u id=%u error=%s len=%u", header.type, header.request_id,
               chio_err_name(chio_err_from_wire(header.error)), header.length);
  if (header.error != 0) (void)printf(" text=%s", chio_buf_cstr(&body));
  (void)printf("\n");
  chio_buf_clear(&body);
}

static void count_replies(unsigned long count) {
  unsigned long of_error[256] = {0};
  for (unsigned long i = 0; i < count; i++) {
    struct chio_buf body = CHIO_BUF_INIT;
    struct chio_frame_header header;
    if (!receive_frame(&header, &body)) {
      (void)printf("end after %lu\n", i);
      break;
    }
    of_error[header.error < 255 ? header.error : 255]++;
    chio_buf_clear(&body);
  }
  for (unsigned i = 0; i < 256; i++)
    if (of_error[i] > 0) (void)printf("%s=%lu\n", chio_err_name(chio_err_from_wire(i)), of_error[i]);
}

static void send_zeros(unsigned long count) {
  static const uint8_t zeros[4096];
  for (; count > 0; count -= count < sizeof zeros ? count : sizeof zeros) {
    if (send_all(zeros, count < sizeof zeros ? count : sizeof zeros)) continue;
    (void)printf("send: refused\n");
    return;
  }
}

static void send_hello(void) {
  const struct chio_hello_request hello = {
      .version_min = 1, .version_max = 1, .client = {{1}}, .program = chio_slice_str("frames")};
  struct chio_buf out = CHIO_BUF_INIT;
  if (chio_message_request(chio_message_find(CHIO_MSG_HELLO), 1, &hello, &out) != CHIO_OK) fail("hello");
  send_buf(&out);
}

/* ---- The door ---- */

static void send_with_fds(int to, struct chio_slice data, const int *fds, size_t count) {
  union {
    char bytes[CMSG_SPACE(2 * sizeof(int))];
    struct cmsghdr align;
  } control = {{0}};
  struct iovec iov = {.iov_base = (void *)(uintptr_t)data.data, .iov_len = data.len};
  struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
  if (count > 0) {
    msg.msg_control = control.bytes;
    msg.msg_controllen = CMSG_SPACE(count * sizeof(int));
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(c), fds, count * sizeof(int));
  }
  if (sendmsg(to, &msg, MSG_NOSIGNAL) < 0) fail("sendmsg");
}

static int receive_fd(int from) {
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
  } control;
  char byte;
  struct iovec iov = {.iov_base = &byte, .iov_len = 1};
  struct msghdr msg = {
      .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  int fd;
  if (recvmsg(from, &msg, MSG_CMSG_CLOEXEC) != 1 || CMSG_FIRSTHDR(&msg) == NULL) fail("recvmsg");
  memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof fd);
  return fd;
}

/* One end of a pair that a child made, and the other end. */
static void foreign_pair(int pair[2]) {
  int link[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, link) != 0) fail("socketpair");
  pid_t child = fork();
  if (child < 0) fail("fork");
  if (child == 0) {
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) fail("socketpair");
    send_with_fds(link[1], chio_slice_str("x"), &pair[0], 1);
    send_with_fds(link[1], chio_slice_str("x"), &pair[1], 1);
    _exit(0);
  }
  pair[0] = receive_fd(link[0]);
  pair[1] = receive_fd(link[0]);
  (void)waitpid(child, NULL, 0);
  (void)close(link[0]);
  (void)close(link[1]);
}

static void knock(const char *kind, const char *hex) {
  struct chio_buf data = CHIO_BUF_INIT;
  int pair[2] = {-1, -1};
  bool two = strcmp(kind, "two") == 0;
  int type = strcmp(kind, "datagram") == 0 ? SOCK_DGRAM : SOCK_STREAM;
  int made;
  if (strcmp(kind, "foreign") == 0) {
    foreign_pair(pair);
    made = 0;
  } else if (strcmp(kind, "pipe") == 0) {
    made = pipe(pair);
  } else if (strcmp(kind, "listening") == 0) {
    struct sockaddr_un any = {.sun_family = AF_UNIX};
    pair[1] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    made = bind(pair[1], (const struct sockaddr *)&any, sizeof any.sun_family) == 0 ? listen(pair[1], 1) : -1;
  } else {
    made = socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair);
  }
  if (made != 0) fail(kind);
  add_hex(&data, hex);
  const int fds[2] = {pair[1], pair[1]};
  send_with_fds(door, chio_buf_slice(&data), fds, strcmp(kind, "none") == 0 ? 0 : two ? 2 : 1);
  (void)close(pair[1]);
  if (pair[0] >= 0) adopt(pair[0]);
  chio_buf_clear(&data);
}

/* ---- Steps ---- */

static void step_open(char **a) { adopt(connect_to(a[0], SOCK_STREAM)); }
static void step_use(char **a) { current = connections[number(a[0]) % CONNECTIONS_MAX]; }
static void step_hello(char **a) { (void)a, send_hello(); }
static void step_frame(char **a) {
  struct chio_buf out = CHIO_BUF_INIT;
  add_frame(&out, a[0], a[1], a[2]);
  send_buf(&out);
}
static void step_header(char **a) {
  struct chio_buf out = CHIO_BUF_INIT;
  add_header(&out, number(a[0]), number(a[1]), number(a[2]), number(a[3]));
  send_buf(&out);
}
static void step_bytes(char **a) {
  struct chio_buf out = CHIO_BUF_INIT;
  add_hex(&out, a[0]);
  send_buf(&out);
}
static void step_zeros(char **a) { send_zeros(number(a[0])); }
static void step_repeat(char **a) {
  struct chio_buf out = CHIO_BUF_INIT;
  for (unsigned long i = number(a[0]); i > 0; i--) add_frame(&out, a[1], a[2], a[3]);
  send_buf(&out);
}
static void step_shut(char **a) { (void)a, (void)shutdown(current, SHUT_WR); }
static void step_reply(char **a) { (void)a, print_reply(); }
static void step_replies(char **a) { count_replies(number(a[0])); }
static void step_end(char **a) {
  uint8_t byte;
  (void)a, (void)printf(receive(&byte, 1) ? "not the end\n" : "end\n");
}
static void step_sleep(char **a) { (void)usleep((useconds_t)number(a[0]) * 1000u); }
static void step_notified(char **a) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(a[0]) >= sizeof address.sun_path) fail(a[0]);
  memcpy(address.sun_path, a[0], strlen(a[0]));
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) != 0) fail(a[0]);
  for (unsigned long i = number(a[1]); i > 0; i--) {
    char text[256];
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (poll(&p, 1, PATIENCE_MS) != 1) fail("no message");
    ssize_t n = recv(fd, text, sizeof text - 1, 0);
    if (n < 0) fail("recv");
    (void)printf("%.*s\n", (int)n, text);
    (void)fflush(stdout);
  }
}
static void step_door(char **a) { door = connect_to(a[0], SOCK_SEQPACKET); }
static void step_knock(char **a) { knock(a[0], a[1]); }

static const struct {
  const char *word;
  int arguments;
  void (*run)(char **arguments);
} steps[] = {
    {"open", 1, step_open},     {"use", 1, step_use},       {"hello", 0, step_hello}, {"frame", 3, step_frame},
    {"header", 4, step_header}, {"bytes", 1, step_bytes},   {"zeros", 1, step_zeros}, {"repeat", 4, step_repeat},
    {"shut", 0, step_shut},     {"reply", 0, step_reply},   {"replies", 1, step_replies}, {"end", 0, step_end},
    {"sleep", 1, step_sleep},   {"notified", 2, step_notified},   {"door", 1, step_door},     {"knock", 2, step_knock},
};

int main(int argc, char *argv[]) {
  for (int at = 1; at < argc;) {
    size_t i = 0;
    while (i < CHIO_ARRAY_LEN(steps) && strcmp(steps[i].word, argv[at]) != 0) i++;
    if (i == CHIO_ARRAY_LEN(steps) || at + steps[i].arguments >= argc) {
      (void)fprintf(stderr, "frames: no such step, or too few arguments: %s\n", argv[at]);
      return 2;
    }
    steps[i].run(argv + at + 1);
    (void)fflush(stdout);
    at += 1 + steps[i].arguments;
  }
  return 0;
}
