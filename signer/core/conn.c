#include "signer/core/conn.h"

#include "signer/core/call.h"

#include <stdlib.h>

#define SLOT_WORDS (CHIO_SLOTS_MAX / 64u)

enum chio_err chio_conn_open(struct chio_core *core, const struct chio_peer *peer, struct chio_conn **out_conn) {
  struct chio_conn *conn = calloc(1, sizeof *conn);
  if (conn == NULL) return CHIO_E_NO_MEMORY;
  conn->core = core;
  conn->peer = *peer;
  *out_conn = conn;
  return CHIO_OK;
}

enum chio_err chio_conn_join(struct chio_conn *conn, const struct chio_uid *uid) {
  struct chio_core *core = conn->core;
  enum chio_err err = CHIO_OK;
  (void)pthread_mutex_lock(&core->lock);
  struct chio_client *client = core->clients;
  while (client != NULL && !chio_uid_equal(&client->uid, uid)) client = client->next;
  if (client == NULL) {
    client = calloc(1, sizeof *client);
    if (client == NULL) {
      err = CHIO_E_NO_MEMORY;
    } else {
      client->uid = *uid;
      client->next = core->clients;
      core->clients = client;
    }
  }
  if (client != NULL) client->connections++;
  (void)pthread_mutex_unlock(&core->lock);
  if (err != CHIO_OK) return err;
  conn->client = *uid;
  conn->greeted = true;
  return CHIO_OK;
}

/* True when this was the client's last connection. */
static bool leave(struct chio_conn *conn) {
  struct chio_core *core = conn->core;
  bool last = false;
  (void)pthread_mutex_lock(&core->lock);
  struct chio_client **place = &core->clients;
  while (*place != NULL && !chio_uid_equal(&(*place)->uid, &conn->client)) place = &(*place)->next;
  struct chio_client *client = *place;
  if (client != NULL && --client->connections == 0) {
    *place = client->next;
    free(client);
    last = true;
  }
  (void)pthread_mutex_unlock(&core->lock);
  return last;
}

static bool goes(const struct chio_object *object, const void *arg) {
  const struct chio_going *going = arg;
  if (object->is_token || !chio_uid_equal(&object->owner.client, &going->client)) return false;
  if (going->session != 0 && object->owner.session != going->session) return false;
  if (going->one_slot && object->slot != going->slot) return false;
  return !going->private_only || object->is_private;
}

void chio_conn_drop_objects(struct chio_core *core, const struct chio_going *going) {
  uint64_t slots[SLOT_WORDS] = {0};
  if (chio_object_table_forget(core->objects, goes, going, slots, SLOT_WORDS) == 0) return;
  for (size_t i = 0; i < core->slot_count; i++) {
    uint32_t number = core->slots[i].number;
    if ((slots[number / 64] >> (number % 64) & 1) != 0) chio_slot_changed(&core->slots[i]);
  }
}

const char *chio_conn_trace(const struct chio_conn *conn) {
  return conn->trace.trace_id;
}

void chio_conn_close(struct chio_conn *conn) {
  if (conn == NULL) return;
  chio_stream_drop(&conn->stream);
  if (conn->greeted && leave(conn)) {
    struct chio_going all = {.client = conn->client};
    chio_conn_drop_objects(conn->core, &all);
  }
  chio_secret_free(conn->ticket);
  chio_buf_clear(&conn->scratch);
  free(conn);
}
