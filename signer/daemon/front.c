#include "signer/daemon/front.h"

#include "signer/base/log.h"
#include "signer/daemon/door.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_AT_ONCE 16
#define ACCEPTS_AT_ONCE 16 /* so that signals are seen under any load */
#define LOG_AGAIN_SECONDS 10

enum source_kind { SOURCE_SOCKET, SOURCE_DOOR, SOURCE_DOOR_CLIENT, SOURCE_SIGNAL };

/* Something that the main thread waits for. */
struct source {
  enum source_kind kind;
  int fd;
  struct chio_peer peer;          /* DOOR_CLIENT: who opened it, for the log */
  struct source *previous, *next; /* DOOR_CLIENT: the list of all */
};

struct chio_front {
  struct chio_front_config config;
  struct chio_server *server;
  int epoll;
  int spare; /* given up for a moment when no descriptor is left, to take and close what waits */
  struct source socket, door, signal;
  struct source *doors;
  unsigned door_count;
  time_t last_shortage; /* when the log was told */
};

static void signals_of_interest(sigset_t *set) {
  (void)sigemptyset(set);
  (void)sigaddset(set, SIGTERM);
  (void)sigaddset(set, SIGINT);
  (void)sigaddset(set, SIGHUP);
}

void chio_front_block_signals(void) {
  sigset_t set;
  signals_of_interest(&set);
  (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
  (void)signal(SIGPIPE, SIG_IGN);
}

static bool watch(struct chio_front *front, struct source *source) {
  struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = source}};
  return epoll_ctl(front->epoll, EPOLL_CTL_ADD, source->fd, &event) == 0;
}

static bool watch_all(struct chio_front *front) {
  sigset_t set;
  signals_of_interest(&set);
  front->epoll = epoll_create1(EPOLL_CLOEXEC);
  front->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
  front->signal.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (front->epoll < 0 || front->signal.fd < 0) return false;
  if (!watch(front, &front->signal) || !watch(front, &front->socket)) return false;
  return front->door.fd < 0 || watch(front, &front->door);
}

enum chio_err chio_front_new(const struct chio_front_config *config, struct chio_server *server,
                             struct chio_front **out_front) {
  struct chio_front *front = calloc(1, sizeof *front);
  if (front == NULL) return CHIO_E_NO_MEMORY;
  front->config = *config;
  front->server = server;
  front->socket = (struct source){.kind = SOURCE_SOCKET, .fd = config->socket->fd};
  front->door = (struct source){.kind = SOURCE_DOOR, .fd = config->door != NULL ? config->door->fd : -1};
  front->signal = (struct source){.kind = SOURCE_SIGNAL, .fd = -1};
  if (!watch_all(front)) {
    chio_front_free(front);
    return CHIO_E_IO;
  }
  *out_front = front;
  return CHIO_OK;
}

static void close_door_client(struct chio_front *front, struct source *source) {
  if (source->previous != NULL) source->previous->next = source->next;
  if (source->next != NULL) source->next->previous = source->previous;
  if (front->doors == source) front->doors = source->next;
  front->door_count--;
  (void)close(source->fd);
  free(source);
}

void chio_front_free(struct chio_front *front) {
  if (front == NULL) return;
  while (front->doors != NULL) close_door_client(front, front->doors);
  if (front->signal.fd >= 0) (void)close(front->signal.fd);
  if (front->epoll >= 0) (void)close(front->epoll);
  if (front->spare >= 0) (void)close(front->spare);
  free(front);
}

/* ---- Taking connections ---- */

static void say_shortage(struct chio_front *front) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  if (front->last_shortage != 0 && now.tv_sec - front->last_shortage < LOG_AGAIN_SECONDS) return;
  front->last_shortage = now.tv_sec;
  chio_log(CHIO_LOG_ERROR, "descriptors", "no descriptor is left for another connection: raise LimitNOFILE");
}

/* Else the one that waits would wake us for ever. */
static void turn_away(struct chio_front *front, int listener) {
  say_shortage(front);
  if (front->spare < 0) return;
  (void)close(front->spare);
  int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  if (fd >= 0) (void)close(fd);
  front->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* The next connection that waits, or -1. */
static int accept_one(struct chio_front *front, int listener, struct chio_peer *out_peer) {
  int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0 && (errno == EMFILE || errno == ENFILE)) turn_away(front, listener);
  if (fd < 0) return -1;
  if (chio_peer_of(fd, out_peer) == CHIO_OK) return fd;
  (void)close(fd);
  return -1;
}

static void accept_connections(struct chio_front *front) {
  struct chio_peer peer;
  for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
    int fd = accept_one(front, front->socket.fd, &peer);
    if (fd < 0) return;
    chio_server_add(front->server, fd, &peer);
  }
}

static void accept_door_client(struct chio_front *front) {
  struct chio_peer peer;
  int fd = accept_one(front, front->door.fd, &peer);
  if (fd < 0) return;
  struct source *source = front->door_count < front->config.doors ? calloc(1, sizeof *source) : NULL;
  if (source == NULL) {
    (void)close(fd);
    return;
  }
  *source = (struct source){.kind = SOURCE_DOOR_CLIENT, .fd = fd, .peer = peer, .next = front->doors};
  if (front->doors != NULL) front->doors->previous = source;
  front->doors = source;
  front->door_count++;
  if (!watch(front, source)) close_door_client(front, source);
}

static void take_from_door(struct chio_front *front, struct source *source) {
  struct chio_detail detail = {""};
  struct chio_peer peer;
  int fd;
  switch (chio_door_take(source->fd, &fd, &peer, &detail)) {
    case CHIO_OK: chio_server_add(front->server, fd, &peer); return;
    case CHIO_E_BUSY: return;
    case CHIO_E_PROTOCOL:
      chio_log(CHIO_LOG_NOTICE, "door.refused", detail.text, CHIO_F_UINT("uid", (unsigned long long)source->peer.uid),
               CHIO_F_INT("pid", (long long)source->peer.pid));
      return;
    default: close_door_client(front, source);
  }
}

/* ---- The loop ---- */

/* The signal that ends it, or 0. */
static int obey_signal(struct chio_front *front) {
  struct signalfd_siginfo info;
  while (read(front->signal.fd, &info, sizeof info) == (ssize_t)sizeof info) {
    if (info.ssi_signo != SIGHUP) return (int)info.ssi_signo;
    front->config.reload(front->config.arg);
  }
  return 0;
}

static int handle(struct chio_front *front, struct source *source) {
  switch (source->kind) {
    case SOURCE_SOCKET: accept_connections(front); return 0;
    case SOURCE_DOOR: accept_door_client(front); return 0;
    case SOURCE_DOOR_CLIENT: take_from_door(front, source); return 0;
    case SOURCE_SIGNAL: return obey_signal(front);
  }
  return 0;
}

int chio_front_run(struct chio_front *front) {
  int timeout = front->config.sweep_seconds > 0 ? (int)front->config.sweep_seconds * 1000 : -1;
  for (int ended_by = 0;;) {
    struct epoll_event events[EVENTS_AT_ONCE];
    int count = epoll_wait(front->epoll, events, EVENTS_AT_ONCE, timeout);
    for (int i = 0; i < count && ended_by == 0; i++) ended_by = handle(front, events[i].data.ptr);
    if (ended_by != 0) return ended_by;
    if (timeout > 0) chio_server_sweep(front->server);
  }
}
