#include "tests/unit/fake_signer.h"

#include "signer/wire/door.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define MUST(condition)                                                      \
  do {                                                                       \
    if (!(condition)) {                                                      \
      fprintf(stderr, "fake signer: %s:%d: %s\n", __FILE__, __LINE__, #condition); \
      abort();                                                               \
    }                                                                        \
  } while (0)

static void reply_of(struct fake_signer *fake, const struct chio_message *message, uint32_t id, struct chio_slice body,
                     struct chio_buf *out) {
  static const uint8_t ticket[] = "a ticket";
  union {
    struct chio_hello_reply hello;
    struct chio_sign_reply sign;
    struct chio_login_reply login;
    struct chio_renew_reply renew;
    struct chio_stream_end_reply end;
    uint8_t bytes[512];
  } reply;
  memset(&reply, 0, sizeof reply);
  if (message->type == CHIO_MSG_HELLO) {
    reply.hello.version = atomic_load(&fake->version);
    reply.hello.instance = fake->instance;
    reply.hello.features = atomic_load(&fake->features);
    reply.hello.body_max = CHIO_BODY_MAX;
    if (fake->with_door) reply.hello.door = chio_slice_str(fake->door_path);
  } else if (message->type == CHIO_MSG_SIGN) {
    struct chio_sign_request request;
    MUST(chio_fields_decode(*message->request, body, sizeof request, &request) == CHIO_OK);
    reply.sign.signature = request.data;
  } else if (message->type == CHIO_MSG_LOGIN) {
    reply.login.ticket = chio_slice(ticket, sizeof ticket);
    reply.login.lifetime = atomic_load(&fake->lifetime);
  } else if (message->type == CHIO_MSG_RENEW) {
    reply.renew.ticket = chio_slice_str("a fresh ticket");
    reply.renew.lifetime = atomic_load(&fake->lifetime);
  } else if (message->type == CHIO_MSG_STREAM_END) {
    reply.end.output = chio_slice_str("streamed");
  }
  MUST(chio_message_reply(message, id, 7, CHIO_OK, NULL, &reply, out) == CHIO_OK);
}

static void send_all(int fd, const uint8_t *data, size_t len) {
  while (len > 0) {
    ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
    if (n <= 0) return;
    data += n;
    len -= (size_t)n;
  }
}

static void put_u32(uint8_t *to, uint32_t value) {
  for (int i = 0; i < 4; i++) to[i] = (uint8_t)(value >> (8 * i));
}

/* Spoils the right reply and sends it; false: the connection is to be closed. */
static bool misbehave(enum fake_deed deed, int fd, struct chio_buf *reply) {
  size_t len = reply->len;
  switch (deed) {
    case FAKE_CLOSE: return false;
    case FAKE_SILENCE: return true;
    case FAKE_WRONG_ID: reply->data[8] ^= 1; break;
    case FAKE_WRONG_TYPE: reply->data[4] ^= 1; break;
    case FAKE_NO_REPLY_FLAG:
      reply->data[6] = 0;
      memset(reply->data + 16, 0, 8);
      break;
    case FAKE_TRUNCATED: send_all(fd, reply->data, len - 1); return false;
    case FAKE_TRAILING:
      chio_buf_append_u8(reply, 0);
      put_u32(reply->data, (uint32_t)(reply->len - CHIO_FRAME_HEADER_SIZE));
      break;
    case FAKE_TWO_REPLIES:
      MUST(chio_buf_reserve(reply, len) != NULL);
      chio_buf_append(reply, reply->data, len);
      break;
    case FAKE_TOO_LONG: put_u32(reply->data, CHIO_BODY_MAX + 1); break;
    case FAKE_CRUMBS:
      for (size_t i = 0; i < len; i++) send_all(fd, reply->data + i, 1);
      return true;
    case FAKE_ANSWER:
    case FAKE_REFUSE: break;
  }
  send_all(fd, reply->data, reply->len);
  return true;
}

static enum fake_deed next_deed(struct fake_signer *fake) {
  enum fake_deed deed = atomic_load(&fake->deed);
  int left = atomic_load(&fake->deeds);
  if (left == 0) return FAKE_ANSWER;
  if (left > 0) atomic_fetch_sub(&fake->deeds, 1);
  return deed;
}

static bool serve(struct fake_signer *fake, int fd, const struct chio_frame_header *header, struct chio_slice body) {
  const struct chio_message *message = chio_message_find(header->type);
  MUST(message != NULL);
  if (header->type == CHIO_MSG_TRACE) {
    struct chio_trace_request request;
    MUST(chio_fields_decode(*message->request, body, sizeof request, &request) == CHIO_OK);
    (void)snprintf(fake->traceparent, sizeof fake->traceparent, "%.*s", (int)request.traceparent.len,
                   (const char *)request.traceparent.data);
  }
  atomic_fetch_add(&fake->sent[header->type], 1);
  enum fake_deed deed = FAKE_ANSWER;
  struct chio_detail detail = {"key 'ci' may not sign\n"};
  enum chio_err err = CHIO_OK;
  if (header->type == CHIO_MSG_HELLO) {
    err = (enum chio_err)atomic_load(&fake->hello_error);
  } else {
    atomic_fetch_add(&fake->requests, 1);
    deed = next_deed(fake);
    if (deed == FAKE_REFUSE) err = CHIO_E_KEY_FUNCTION;
  }
  if ((message->flags & CHIO_MESSAGE_NO_REPLY) != 0) return deed != FAKE_CLOSE;
  chio_buf_reset(&fake->reply);
  if (err != CHIO_OK)
    MUST(chio_message_reply(message, header->request_id, 7, err, &detail, NULL, &fake->reply) == CHIO_OK);
  else
    reply_of(fake, message, header->request_id, body, &fake->reply);
  return misbehave(deed, fd, &fake->reply);
}

static void drop(struct fake_signer *fake, int i) {
  (void)close(fake->links[i].fd);
  fake->links[i].fd = -1;
  chio_buf_clear(&fake->links[i].in);
}

static void add(struct fake_signer *fake, int fd, bool door) {
  for (int i = 0; i < FAKE_LINKS_MAX; i++) {
    if (fake->links[i].fd >= 0) continue;
    fake->links[i].fd = fd;
    fake->links[i].door = door;
    return;
  }
  MUST(fd < 0); /* more links than the fake signer takes */
}

static void read_stream(struct fake_signer *fake, int i) {
  struct chio_buf *in = &fake->links[i].in;
  uint8_t *to = chio_buf_reserve(in, 65536);
  ssize_t n = recv(fake->links[i].fd, to, 65536, MSG_DONTWAIT);
  if (n <= 0) {
    drop(fake, i);
    return;
  }
  in->len += (size_t)n;
  size_t at = 0;
  while (in->len - at >= CHIO_FRAME_HEADER_SIZE) {
    struct chio_frame_header header;
    MUST(chio_frame_decode(chio_slice(in->data + at, CHIO_FRAME_HEADER_SIZE), &header) == CHIO_OK);
    size_t size = CHIO_FRAME_HEADER_SIZE + header.length;
    if (in->len - at < size) break;
    struct chio_slice body = chio_slice(in->data + at + CHIO_FRAME_HEADER_SIZE, header.length);
    if (!serve(fake, fake->links[i].fd, &header, body)) {
      drop(fake, i);
      return;
    }
    at += size;
  }
  memmove(in->data, in->data + at, in->len - at);
  in->len -= at;
}

static void read_door(struct fake_signer *fake, int i) {
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
  } control;
  uint8_t byte = 0;
  int fd;
  struct iovec data = {&byte, 1};
  struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  if (recvmsg(fake->links[i].fd, &message, MSG_CMSG_CLOEXEC) <= 0) {
    drop(fake, i);
    return;
  }
  MUST(byte == CHIO_DOOR_CONNECTION && CMSG_FIRSTHDR(&message) != NULL);
  memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
  atomic_fetch_add(&fake->through_door, 1);
  add(fake, fd, false);
}

static void one_round(struct fake_signer *fake) {
  struct pollfd p[FAKE_LINKS_MAX + 2];
  for (int i = 0; i < FAKE_LINKS_MAX; i++) p[i] = (struct pollfd){.fd = fake->links[i].fd, .events = POLLIN};
  p[FAKE_LINKS_MAX] = (struct pollfd){.fd = fake->listener, .events = POLLIN};
  p[FAKE_LINKS_MAX + 1] = (struct pollfd){.fd = fake->door_listener, .events = POLLIN};
  if (poll(p, FAKE_LINKS_MAX + 2, 5) <= 0) return;
  for (int i = 0; i < FAKE_LINKS_MAX; i++) {
    if (p[i].revents == 0 || fake->links[i].fd != p[i].fd) continue;
    if (fake->links[i].door)
      read_door(fake, i);
    else
      read_stream(fake, i);
  }
  if (p[FAKE_LINKS_MAX].revents != 0) {
    add(fake, accept(fake->listener, NULL, NULL), false);
    atomic_fetch_add(&fake->accepted, 1);
  }
  if (p[FAKE_LINKS_MAX + 1].revents != 0) add(fake, accept(fake->door_listener, NULL, NULL), true);
}

static void *run(void *arg) {
  struct fake_signer *fake = arg;
  while (!atomic_load(&fake->stop)) one_round(fake);
  for (int i = 0; i < FAKE_LINKS_MAX; i++)
    if (fake->links[i].fd >= 0) drop(fake, i);
  return NULL;
}

static int listen_at(const char *path, int type) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  (void)unlink(path);
  int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
  MUST(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
  MUST(chmod(path, 0777) == 0 && listen(fd, 64) == 0);
  return fd;
}

void fake_restart(struct fake_signer *fake) {
  atomic_store(&fake->stop, false);
  fake->instance.b[0]++;
  fake->listener = listen_at(fake->path, SOCK_STREAM);
  fake->door_listener = fake->with_door ? listen_at(fake->door_path, SOCK_SEQPACKET) : -1;
  MUST(pthread_create(&fake->thread, NULL, run, fake) == 0);
  fake->running = true;
}

void fake_start(struct fake_signer *fake, bool with_door) {
  memset(fake, 0, sizeof *fake);
  fake->with_door = with_door;
  atomic_store(&fake->version, CHIO_PROTOCOL_VERSION);
  atomic_store(&fake->lifetime, 3600);
  for (int i = 0; i < FAKE_LINKS_MAX; i++) fake->links[i].fd = -1;
  (void)snprintf(fake->dir, sizeof fake->dir, "/tmp/chio-fake-XXXXXX");
  MUST(mkdtemp(fake->dir) != NULL && chmod(fake->dir, 0755) == 0);
  (void)snprintf(fake->path, sizeof fake->path, "%s/s", fake->dir);
  (void)snprintf(fake->door_path, sizeof fake->door_path, "%s/d", fake->dir);
  (void)snprintf(fake->endpoint, sizeof fake->endpoint, "unix:%s", fake->path);
  fake_restart(fake);
}

void fake_stop(struct fake_signer *fake) {
  if (!fake->running) return;
  atomic_store(&fake->stop, true);
  MUST(pthread_join(fake->thread, NULL) == 0);
  (void)close(fake->listener);
  if (fake->door_listener >= 0) (void)close(fake->door_listener);
  fake->running = false;
}

void fake_end(struct fake_signer *fake) {
  fake_stop(fake);
  chio_buf_clear(&fake->reply);
  (void)unlink(fake->path);
  (void)unlink(fake->door_path);
  (void)rmdir(fake->dir);
}
