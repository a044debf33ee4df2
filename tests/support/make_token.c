/*
 * make_token LABEL SO-PIN USER-PIN: initialises slot 0 of $CHIO_SIGNER. For tests, whose
 * PINs are no secrets: with-chiod makes the token `test` with it, before any of the front doors is known to work.
 */
#include "signer/client/client.h"

#include <stdio.h>

static int complain(const char *what, enum chio_err err, const struct chio_detail *detail) {
  (void)fprintf(stderr, "make_token: %s: %s %s\n", what, chio_err_text(err), detail->text);
  return 1;
}

static enum chio_err set_user_pin(struct chio_client *client, struct chio_slice so_pin, struct chio_slice user_pin,
                                  struct chio_buf *holder, struct chio_detail *detail) {
  struct chio_login *login;
  uint8_t ticket[CHIO_TICKET_MAX];
  enum chio_err err =
      chio_login_new(client, 0, CHIO_USER_SO, chio_slice(NULL, 0), so_pin, &login, detail);
  if (err != CHIO_OK) return err;
  struct chio_pin_init_request request = {.slot = 0, .pin = user_pin};
  err = chio_login_ticket(login, client, ticket, &request.ticket);
  if (err == CHIO_OK) err = chio_call_pin_init(client, &request, NULL, holder, NULL, detail);
  chio_login_end(login, client);
  return err;
}

int main(int argc, char *argv[]) {
  struct chio_detail detail = {""};
  struct chio_client *client;
  struct chio_buf holder = CHIO_BUF_INIT;
  if (argc != 4) {
    (void)fprintf(stderr, "usage: make_token LABEL SO-PIN USER-PIN\n");
    return 2;
  }
  struct chio_token_init_request init = {
      .slot = 0, .so_pin = chio_slice_str(argv[2]), .label = chio_slice_str(argv[1])};
  enum chio_err err = chio_client_new(&(struct chio_client_options){.program = "make_token"}, &client, &detail);
  if (err != CHIO_OK) return complain("client", err, &detail);
  err = chio_call_token_init(client, &init, NULL, &holder, NULL, &detail);
  if (err == CHIO_OK) err = set_user_pin(client, init.so_pin, chio_slice_str(argv[3]), &holder, &detail);
  chio_client_free(client);
  chio_buf_clear(&holder);
  return err == CHIO_OK ? 0 : complain(argv[1], err, &detail);
}
