#include "signer/client/door.h"

#include "signer/wire/door.h"
#include <sys/socket.h>
#include <unistd.h>

static bool is_open_to(struct chio_pool *pool, const struct chio_uid *instance) {
  return chio_uid_equal(&pool->door_instance, instance) && chio_socket_is_quiet(&pool->door);
}

static enum chio_err open_door(const struct chio_trust *trust, struct chio_slice path, struct chio_socket *out_door) {
  char text[CHIO_PATH_MAX + 1];
  int why;
  memcpy(text, path.data, path.len);
  text[path.len] = '\0';
  struct chio_socket door;
  enum chio_err err = chio_socket_connect(text, SOCK_SEQPACKET, &door, &why);
  if (err != CHIO_OK) return err;
  err = chio_trust_check(trust, &door, NULL);
  if (err != CHIO_OK)
    chio_socket_close(&door);
  else
    *out_door = door;
  return err;
}

void chio_door_keep(struct chio_client *client, struct chio_pool *pool, size_t endpoint,
                    const struct chio_hello_reply *hello) {
  struct chio_slice path = hello->door;
  if (path.len == 0 || path.data[0] != '/' || memchr(path.data, 0, path.len) != NULL) return;
  (void)pthread_mutex_lock(&pool->mutex);
  struct chio_socket door;
  if (!is_open_to(pool, &hello->instance) && open_door(&client->trust, path, &door) == CHIO_OK) {
    chio_socket_close(&pool->door);
    pool->door = door;
    pool->door_endpoint = endpoint;
    pool->door_instance = hello->instance;
  }
  (void)pthread_mutex_unlock(&pool->mutex);
}

enum chio_err chio_door_pass(struct chio_pool *pool, size_t endpoint, chio_deadline deadline,
                             struct chio_socket *out_socket) {
  struct chio_socket ours;
  int theirs;
  (void)pthread_mutex_lock(&pool->mutex);
  struct chio_socket door = pool->door;
  bool open = pool->door_endpoint == endpoint && chio_socket_is_quiet(&door);
  (void)pthread_mutex_unlock(&pool->mutex);
  if (!open || chio_socket_pair(&ours, &theirs) != CHIO_OK) return CHIO_E_UNREACHABLE;
  enum chio_err err = chio_socket_send_fd(&door, CHIO_DOOR_CONNECTION, theirs, deadline);
  (void)close(theirs);
  if (err != CHIO_OK) {
    chio_socket_close(&ours);
    return CHIO_E_UNREACHABLE;
  }
  *out_socket = ours;
  return CHIO_OK;
}
