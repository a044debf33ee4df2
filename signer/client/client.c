#include "signer/client/client.h"

#include "signer/client/connect.h"
#include "signer/client/fork.h"
#include "signer/client/pool.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static enum chio_err set_up(struct chio_client *client, const struct chio_client_options *options,
                            struct chio_detail *detail) {
  const char *program = options->program != NULL ? options->program : program_invocation_short_name;
  (void)snprintf(client->program, sizeof client->program, "%s", program);
  chio_connect_trace(client, options->traceparent);
  client->connect_ms = options->connect_ms > 0 ? options->connect_ms : CHIO_CLIENT_CONNECT_MS;
  client->call_ms = options->call_ms > 0 ? options->call_ms : CHIO_CLIENT_CALL_MS;
  enum chio_err err = chio_endpoints_parse(options->endpoints, &client->endpoints, detail);
  if (err == CHIO_OK) err = chio_trust_resolve(options->trusted_user, &client->trust, detail);
  struct chio_pool *pool = NULL;
  if (err == CHIO_OK) err = chio_pool_new(&pool);
  if (err == CHIO_OK) {
    pool->waiting = options->waiting;
    atomic_init(&client->pool, pool);
  }
  return err;
}

enum chio_err chio_client_new(const struct chio_client_options *options, struct chio_client **out_client,
                              struct chio_detail *detail) {
  static const struct chio_client_options defaults;
  chio_fork_watch();
  struct chio_client *client = calloc(1, sizeof *client);
  if (client == NULL) return chio_fail(detail, CHIO_E_NO_MEMORY, "%s", chio_err_text(CHIO_E_NO_MEMORY));
  enum chio_err err = set_up(client, options != NULL ? options : &defaults, detail);
  if (err != CHIO_OK)
    free(client);
  else
    *out_client = client;
  return err;
}

void chio_client_free(struct chio_client *client) {
  if (client == NULL) return;
  chio_pool_free(atomic_load(&client->pool));
  free(client);
}

enum chio_err chio_client_connect(struct chio_client *client, struct chio_detail *detail) {
  struct chio_pool *pool;
  struct chio_link *link;
  enum chio_err err = chio_pool_now(client, &pool);
  if (err != CHIO_OK) return chio_fail(detail, err, "%s", chio_err_text(err));
  chio_pool_sweep(pool);
  err = chio_pool_take(client, chio_deadline_in(client->call_ms), &link, detail);
  if (err == CHIO_OK) chio_pool_give(link);
  return err;
}

void chio_client_endpoint(struct chio_client *client, char *out, size_t size) {
  struct chio_pool *pool;
  if (size == 0) return;
  out[0] = '\0';
  if (chio_pool_now(client, &pool) != CHIO_OK) return;
  int index = atomic_load(&pool->endpoint);
  if (index >= 0) (void)snprintf(out, size, "%s", client->endpoints.list[index].text);
}
