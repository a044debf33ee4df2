/*
 * tls_client port: prints a port of 127.0.0.1 that is free.
 * tls_client PORT CA-FILE COUNT [THREADS]: so many full TLS 1.3 handshakes, one HTTP request in each; prints how many
 * were good. Exit status 0 when all were.
 */
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define THREADS_MAX 16

static const char request[] = "GET / HTTP/1.0\r\nHost: localhost\r\n\r\n";
static atomic_long left, good;
static SSL_CTX *tls;
static in_port_t port;

static int print_free_port(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 ||
      getsockname(fd, (struct sockaddr *)&address, &len) != 0)
    return 1;
  (void)printf("%u\n", ntohs(address.sin_port));
  return close(fd);
}

static int connect_to(in_port_t to) {
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(to), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
  if (fd >= 0) (void)close(fd);
  return -1;
}

static bool ask(SSL *ssl) {
  char answer[64] = "";
  if (SSL_connect(ssl) != 1 || SSL_get_verify_result(ssl) != X509_V_OK) return false;
  if (SSL_write(ssl, request, (int)strlen(request)) <= 0) return false;
  return SSL_read(ssl, answer, sizeof answer - 1) > 0 && strncmp(answer, "HTTP/1.1 200", 12) == 0;
}

static bool shake_hands(void) {
  int fd = connect_to(port);
  SSL *ssl = fd >= 0 ? SSL_new(tls) : NULL;
  bool done = ssl != NULL && SSL_set_fd(ssl, fd) == 1 && SSL_set1_host(ssl, "localhost") == 1 && ask(ssl);
  if (!done) ERR_print_errors_fp(stderr);
  SSL_free(ssl);
  if (fd >= 0) (void)close(fd);
  return done;
}

static void *work(void *arg) {
  (void)arg;
  while (atomic_fetch_sub(&left, 1) > 0)
    if (shake_hands()) atomic_fetch_add(&good, 1);
  return NULL;
}

static bool prepare(const char *ca_file) {
  tls = SSL_CTX_new(TLS_client_method());
  if (tls == NULL || SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION) != 1) return false;
  SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
  (void)SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
  return SSL_CTX_load_verify_file(tls, ca_file) == 1;
}

int main(int argc, char *argv[]) {
  pthread_t threads[THREADS_MAX];
  if (argc == 2 && strcmp(argv[1], "port") == 0) return print_free_port();
  if (argc < 4) return 2;
  port = (in_port_t)strtoul(argv[1], NULL, 10);
  long count = strtol(argv[3], NULL, 10), workers = argc > 4 ? strtol(argv[4], NULL, 10) : 1;
  if (count < 1 || workers < 1 || workers > THREADS_MAX || !prepare(argv[2])) return 2;
  atomic_store(&left, count);
  for (long i = 0; i < workers; i++)
    if (pthread_create(&threads[i], NULL, work, NULL) != 0) return 2;
  for (long i = 0; i < workers; i++) (void)pthread_join(threads[i], NULL);
  (void)printf("%ld of %ld handshakes were good\n", atomic_load(&good), count);
  SSL_CTX_free(tls);
  return atomic_load(&good) == count ? 0 : 1;
}
