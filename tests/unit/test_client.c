/* The client: calls, what is lost and asked again, endpoints, trust, streams, logins. Forks: test_client_fork.c. */
#include "tests/unit/client_rig.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- Calls ---- */

static void calls_one_after_the_other_share_a_connection(void **state) {
  (void)state;
  struct chio_client *client = client_of(fake.endpoint);
  for (int i = 0; i < 20; i++) assert_int_equal(sign(client, "data", NULL), CHIO_OK);
  assert_int_equal(atomic_load(&fake.accepted), 1);
  assert_int_equal(atomic_load(&fake.requests), 20);
  char endpoint[128];
  chio_client_endpoint(client, endpoint, sizeof endpoint);
  assert_string_equal(endpoint, fake.endpoint);
  chio_client_free(client);
}

#define TRACEPARENT "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static unsigned traced(const char *option, const char *environment, unsigned features) {
  struct chio_client_options options = {
      .endpoints = fake.endpoint, .connect_ms = 20000, .call_ms = 40000, .traceparent = option};
  struct chio_client *client = NULL;
  unsigned before = atomic_load(&fake.sent[CHIO_MSG_TRACE]);
  atomic_store(&fake.features, features);
  if (environment != NULL)
    assert_int_equal(setenv("TRACEPARENT", environment, 1), 0);
  else
    assert_int_equal(unsetenv("TRACEPARENT"), 0);
  assert_int_equal(chio_client_new(&options, &client, NULL), CHIO_OK);
  for (int i = 0; i < 3; i++) assert_int_equal(sign(client, "data", NULL), CHIO_OK);
  chio_client_free(client);
  (void)unsetenv("TRACEPARENT");
  return atomic_load(&fake.sent[CHIO_MSG_TRACE]) - before;
}

static void a_trace_is_named_once_a_connection_to_a_signer_that_knows_traces(void **state) {
  (void)state;
  static char longest[CHIO_TRACEPARENT_MAX + 2];
  memset(longest, 'a', sizeof longest - 1);
  assert_int_equal(traced(TRACEPARENT, NULL, CHIO_FEATURE_TRACE), 1);
  assert_string_equal(fake.traceparent, TRACEPARENT);
  assert_int_equal(traced(NULL, "from the environment", CHIO_FEATURE_TRACE), 1); /* who parses it is the signer */
  assert_string_equal(fake.traceparent, "from the environment");
  assert_int_equal(traced(TRACEPARENT, "from the environment", CHIO_FEATURE_TRACE), 1);
  assert_string_equal(fake.traceparent, TRACEPARENT);
  assert_int_equal(traced(NULL, NULL, CHIO_FEATURE_TRACE), 0);
  assert_int_equal(traced("", "from the environment", CHIO_FEATURE_TRACE), 0);
  assert_int_equal(traced(longest, NULL, CHIO_FEATURE_TRACE), 0);
  assert_int_equal(traced(TRACEPARENT, NULL, 0), 0); /* an older one would close the connection over it */
}

static void a_refusal_comes_back_with_its_text(void **state) {
  (void)state;
  struct chio_client *client = client_of(fake.endpoint);
  struct chio_detail detail = {{0}};
  do_deed(FAKE_REFUSE, 1);
  assert_int_equal(sign(client, "data", &detail), CHIO_E_KEY_FUNCTION);
  assert_string_equal(detail.text, "key 'ci' may not sign?");
  assert_int_equal(sign(client, "data", NULL), CHIO_OK);
  assert_int_equal(atomic_load(&fake.accepted), 1);
  chio_client_free(client);
}

static void a_reply_that_is_none_closes_the_connection(void **state) {
  (void)state;
  static const enum fake_deed deeds[] = {FAKE_WRONG_ID, FAKE_WRONG_TYPE,  FAKE_NO_REPLY_FLAG,
                                         FAKE_TRAILING, FAKE_TWO_REPLIES, FAKE_TOO_LONG};
  struct chio_client *client = client_of(fake.endpoint);
  for (unsigned i = 0; i < CHIO_ARRAY_LEN(deeds); i++) {
    do_deed(deeds[i], 1);
    assert_int_equal(sign(client, "data", NULL), CHIO_E_PROTOCOL);
    assert_int_equal(sign(client, "data", NULL), CHIO_OK);
    assert_int_equal(atomic_load(&fake.accepted), i + 2);
  }
  chio_client_free(client);
}

static void a_reply_in_crumbs_is_put_together(void **state) {
  (void)state;
  struct chio_client *client = client_of(fake.endpoint);
  do_deed(FAKE_CRUMBS, 1);
  assert_int_equal(sign(client, "data in crumbs", NULL), CHIO_OK);
  chio_client_free(client);
}

static void a_large_reply_arrives_whole(void **state) {
  (void)state;
  struct chio_client *client = client_of(fake.endpoint);
  char *text = malloc(CHIO_SIGNATURE_MAX);
  assert_non_null(text);
  memset(text, 'x', CHIO_SIGNATURE_MAX - 1);
  text[CHIO_SIGNATURE_MAX - 1] = '\0';
  assert_int_equal(sign(client, text, NULL), CHIO_OK);
  assert_int_equal(sign(client, "small again", NULL), CHIO_OK);
  assert_int_equal(atomic_load(&fake.accepted), 1);
  free(text);
  chio_client_free(client);
}

static void a_request_above_its_limit_is_refused_and_not_sent(void **state) {
  (void)state;
  struct chio_client *client = client_of(fake.endpoint);
  static uint8_t pin[CHIO_PIN_MAX + 1];
  struct chio_login *login = NULL;
  assert_int_equal(chio_login_new(client, 0, CHIO_USER_USER, chio_slice(NULL, 0), chio_slice(pin, sizeof pin), &login,
                                  NULL),
                   CHIO_E_TOO_LONG);
  assert_null(login);
  assert_int_equal(atomic_load(&fake.requests), 0);
  chio_client_free(client);
}

static void arguments_that_are_missing_are_refused(void **state) {
  (void)state;
  struct chio_client *client = client_of(fake.endpoint);
  struct chio_sign_request request = {.slot = 0};
  struct chio_sign_reply reply;
  struct chio_buf holder = CHIO_BUF_INIT;
  assert_int_equal(chio_call_sign(client, NULL, &reply, &holder, NULL, NULL), CHIO_E_ARGUMENT);
  assert_int_equal(chio_call_sign(client, &request, NULL, &holder, NULL, NULL), CHIO_E_ARGUMENT);
  assert_int_equal(chio_call_sign(client, &request, &reply, NULL, NULL, NULL), CHIO_E_ARGUMENT);
  assert_int_equal(chio_call_stream_abort(client, NULL, NULL, NULL, NULL, NULL), CHIO_E_ARGUMENT);
  chio_client_free(client);
}

/* ---- Loss and retry ---- */

static void an_idempotent_call_is_sent_again_after_a_loss(void **state) {
  (void)state;
  static const enum fake_deed deeds[] = {FAKE_CLOSE, FAKE_TRUNCATED};
  struct chio_client *client = client_of(fake.endpoint);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(deeds); i++) {
    do_deed(deeds[i], 2);
    assert_int_equal(sign(client, "data", NULL), CHIO_OK);
  }
  assert_int_equal(atomic_load(&fake.requests), 6);
  chio_client_free(client);
}

static void another_call_is_not_sent_again_after_a_loss(void **state) {
  (void)state;
  struct chio_client *client = client_of(fake.endpoint);
  do_deed(FAKE_CLOSE, 1);
  assert_int_equal(key_pair(client), CHIO_E_DISCONNECTED);
  assert_int_equal(atomic_load(&fake.requests), 1);
  chio_client_free(client);
}

static void a_signer_that_always_dies_of_a_request_is_not_asked_for_ever(void **state) {
  (void)state;
  struct chio_client *client = client_of(fake.endpoint);
  do_deed(FAKE_CLOSE, -1);
  assert_int_equal(sign(client, "data", NULL), CHIO_E_DISCONNECTED);
  assert_in_range(atomic_load(&fake.requests), 2, 8);
  chio_client_free(client);
}

static void after_a_restart_even_what_cannot_be_repeated_works(void **state) {
  (void)state;
  struct chio_client *client = client_of(fake.endpoint);
  assert_int_equal(sign(client, "data", NULL), CHIO_OK);
  fake_stop(&fake);
  fake_restart(&fake);
  /* Nothing of it had gone out on the old connection, so it goes out on a new one. */
  assert_int_equal(key_pair(client), CHIO_OK);
  assert_int_equal(atomic_load(&fake.sent[CHIO_MSG_KEY_PAIR]), 1);
  chio_client_free(client);
}

static void *restart_later(void *arg) {
  (void)arg;
  (void)usleep(200 * 1000);
  fake_restart(&fake);
  return NULL;
}

static void a_signer_that_is_being_restarted_is_waited_for(void **state) {
  (void)state;
  struct chio_client *client = client_of(fake.endpoint);
  pthread_t thread;
  assert_int_equal(sign(client, "data", NULL), CHIO_OK);
  fake_stop(&fake);
  assert_int_equal(pthread_create(&thread, NULL, restart_later, NULL), 0);
  assert_int_equal(sign(client, "data", NULL), CHIO_OK);
  assert_int_equal(pthread_join(thread, NULL), 0);
  chio_client_free(client);
}

static void a_signer_that_was_never_there_is_named(void **state) {
  (void)state;
  struct chio_client *client = client_of("unix:/nonexistent/a,unix:/nonexistent/b");
  struct chio_detail detail = {{0}};
  assert_int_equal(chio_client_connect(client, &detail), CHIO_E_UNREACHABLE);
  assert_non_null(strstr(detail.text, "unix:/nonexistent/a: No such file"));
  assert_non_null(strstr(detail.text, "unix:/nonexistent/b: No such file"));
  char endpoint[16] = "x";
  chio_client_endpoint(client, endpoint, sizeof endpoint);
  assert_string_equal(endpoint, "");
  chio_client_free(client);
}

static void silence_ends_in_a_timeout(void **state) {
  (void)state;
  struct chio_client_options options = {.endpoints = fake.endpoint, .call_ms = 100};
  struct chio_client *client;
  assert_int_equal(chio_client_new(&options, &client, NULL), CHIO_OK);
  do_deed(FAKE_SILENCE, 1);
  assert_int_equal(sign(client, "data", NULL), CHIO_E_TIMEOUT);
  assert_int_equal(sign_at_last(client), CHIO_OK);
  assert_in_range(atomic_load(&fake.accepted), 2, 1 + 200);
  chio_client_free(client);
}

static void a_signer_of_another_version_is_refused(void **state) {
  (void)state;
  struct chio_client *client = client_of(fake.endpoint);
  atomic_store(&fake.version, CHIO_PROTOCOL_VERSION + 1);
  assert_int_equal(sign(client, "data", NULL), CHIO_E_VERSION);
  assert_int_equal(atomic_load(&fake.requests), 0);
  chio_client_free(client);
}

static void a_refused_hello_is_the_answer(void **state) {
  (void)state;
  struct chio_client *client = client_of(fake.endpoint);
  atomic_store(&fake.hello_error, CHIO_E_PERMISSION);
  assert_int_equal(chio_client_connect(client, NULL), CHIO_E_PERMISSION);
  chio_client_free(client);
}

/* ---- Endpoints ---- */

static void malformed_endpoints_are_refused(void **state) {
  (void)state;
  static const char *const rows[] = {
      "/run/chio/chiod.sock", "unix:", "unix:relative", "embedded:state", "tcp://host", ",", "unix:/a,", "unix:/a,,unix:/b",
      "unix:/a, unix:/b",     " ",
      "unix:/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "unix:/1,unix:/2,unix:/3,unix:/4,unix:/5,unix:/6,unix:/7,unix:/8,unix:/9",
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_client_options options = {.endpoints = rows[i]};
    struct chio_client *client = NULL;
    struct chio_detail detail = {{0}};
    assert_int_equal(chio_client_new(&options, &client, &detail), CHIO_E_CONFIG);
    assert_null(client);
    assert_true(detail.text[0] != '\0');
  }
}

static void a_plain_path_is_refused_with_the_remedy(void **state) {
  (void)state;
  struct chio_client_options options = {.endpoints = "/run/x"};
  struct chio_client *client = NULL;
  struct chio_detail detail = {{0}};
  assert_int_equal(chio_client_new(&options, &client, &detail), CHIO_E_CONFIG);
  assert_non_null(strstr(detail.text, "unix:/run/x"));
}

static void the_next_endpoint_is_tried_when_the_first_is_not_there(void **state) {
  (void)state;
  char list[256];
  (void)snprintf(list, sizeof list, "unix:/nonexistent/a,%s", fake.endpoint);
  struct chio_client *client = client_of(list);
  assert_int_equal(sign(client, "data", NULL), CHIO_OK);
  char endpoint[128];
  chio_client_endpoint(client, endpoint, sizeof endpoint);
  assert_string_equal(endpoint, fake.endpoint);
  chio_client_free(client);
}

static void a_second_signer_takes_over_from_the_first(void **state) {
  (void)state;
  static struct fake_signer second;
  fake_start(&second, false);
  char list[256];
  (void)snprintf(list, sizeof list, "%s,%s", fake.endpoint, second.endpoint);
  struct chio_client *client = client_of(list);
  assert_int_equal(sign(client, "data", NULL), CHIO_OK);
  fake_stop(&fake);
  assert_int_equal(sign(client, "data", NULL), CHIO_OK);
  assert_int_equal(atomic_load(&second.requests), 1);
  chio_client_free(client);
  fake_end(&second);
}

static void an_embedded_signer_that_cannot_be_loaded_is_named(void **state) {
  (void)state;
  (void)setenv("CHIO_EMBEDDED_MODULE", "/nonexistent/chio-embedded.so", 1);
  struct chio_client *client = client_of("embedded:/nonexistent/state");
  struct chio_detail detail = {{0}};
  assert_int_equal(chio_client_connect(client, &detail), CHIO_E_UNREACHABLE);
  assert_non_null(strstr(detail.text, "/nonexistent/chio-embedded.so"));
  chio_client_free(client);
  (void)unsetenv("CHIO_EMBEDDED_MODULE");
}

/* ---- Trust ---- */

static void a_trusted_user_who_does_not_exist_is_refused(void **state) {
  (void)state;
  struct chio_client_options options = {.endpoints = "unix:/a", .trusted_user = "no-such-user-here"};
  struct chio_client *client = NULL;
  assert_int_equal(chio_client_new(&options, &client, NULL), CHIO_E_CONFIG);
}

static void nothing_is_said_to_an_untrusted_listener(void **state) {
  (void)state;
  if (geteuid() != 0) skip();
  pid_t child = serve_as(65534);
  struct chio_client *client = client_of(fake.endpoint);
  struct chio_detail detail = {{0}};
  assert_int_equal(sign(client, "secret", &detail), CHIO_E_PEER_UNTRUSTED);
  assert_non_null(strstr(detail.text, "uid 65534"));
  chio_client_free(client);
  struct chio_client_options options = {.endpoints = fake.endpoint, .trusted_user = "65534"};
  assert_int_equal(chio_client_new(&options, &client, NULL), CHIO_OK);
  assert_int_equal(sign(client, "data", NULL), CHIO_OK);
  chio_client_free(client);
  (void)kill(child, SIGKILL);
  (void)wait_for(child);
}

/* ---- Streams ---- */

static void a_stream_is_answered_at_its_end(void **state) {
  (void)state;
  struct chio_client *client = client_of(fake.endpoint);
  struct chio_stream_begin_request request = {.operation = CHIO_STREAM_DIGEST};
  struct chio_stream *stream;
  struct chio_slice output;
  struct chio_buf holder = CHIO_BUF_INIT;
  static uint8_t data[CHIO_DATA_MAX + 1];
  assert_int_equal(chio_stream_begin(client, &request, &stream, NULL), CHIO_OK);
  assert_int_equal(chio_stream_data(stream, chio_slice(data, sizeof data)), CHIO_OK);
  assert_int_equal(sign(client, "meanwhile", NULL), CHIO_OK);
  assert_int_equal(chio_stream_end(stream, chio_slice(NULL, 0), &output, &holder, NULL), CHIO_OK);
  assert_true(chio_slice_equal(output, chio_slice_str("streamed")));
  chio_buf_clear(&holder);
  assert_int_equal(atomic_load(&fake.sent[CHIO_MSG_STREAM_DATA]), 2);
  assert_int_equal(atomic_load(&fake.accepted), 2);
  chio_client_free(client);
}

static void an_aborted_stream_gives_its_connection_back(void **state) {
  (void)state;
  struct chio_client *client = client_of(fake.endpoint);
  struct chio_stream_begin_request request = {.operation = CHIO_STREAM_DIGEST};
  struct chio_stream *stream;
  assert_int_equal(chio_stream_begin(client, &request, &stream, NULL), CHIO_OK);
  chio_stream_abort(stream);
  chio_stream_abort(NULL);
  assert_int_equal(sign(client, "after", NULL), CHIO_OK);
  assert_int_equal(atomic_load(&fake.sent[CHIO_MSG_STREAM_ABORT]), 1);
  assert_int_equal(atomic_load(&fake.accepted), 1);
  chio_client_free(client);
}

static void a_stream_that_was_lost_says_so(void **state) {
  (void)state;
  struct chio_client *client = client_of(fake.endpoint);
  struct chio_stream_begin_request request = {.operation = CHIO_STREAM_DIGEST};
  struct chio_stream *stream;
  struct chio_slice output;
  struct chio_buf holder = CHIO_BUF_INIT;
  assert_int_equal(chio_stream_begin(client, &request, &stream, NULL), CHIO_OK);
  fake_stop(&fake);
  fake_restart(&fake);
  assert_int_equal(chio_stream_data(stream, chio_slice_str("data")), CHIO_E_STREAM_UNKNOWN);
  assert_int_equal(chio_stream_end(stream, chio_slice(NULL, 0), &output, &holder, NULL), CHIO_E_STREAM_UNKNOWN);
  chio_buf_clear(&holder);
  /* An idle connection that died meanwhile does not spoil the next stream. */
  assert_int_equal(sign(client, "x", NULL), CHIO_OK);
  fake_stop(&fake);
  fake_restart(&fake);
  assert_int_equal(chio_stream_begin(client, &request, &stream, NULL), CHIO_OK);
  chio_stream_abort(stream);
  chio_client_free(client);
}

static void a_child_never_touches_the_stream_of_its_parent(void **state) {
  (void)state;
  struct chio_client *client = client_of(fake.endpoint);
  struct chio_stream_begin_request request = {.operation = CHIO_STREAM_DIGEST};
  struct chio_stream *stream;
  struct chio_slice output;
  struct chio_buf holder = CHIO_BUF_INIT;
  assert_int_equal(chio_stream_begin(client, &request, &stream, NULL), CHIO_OK);
  pid_t child = fork();
  if (child == 0) {
    int bad = chio_stream_data(stream, chio_slice_str("data")) != CHIO_E_STREAM_UNKNOWN;
    chio_stream_abort(stream);
    leave(client, bad);
  }
  assert_int_equal(wait_for(child), 0);
  assert_int_equal(atomic_load(&fake.sent[CHIO_MSG_STREAM_DATA]), 0);
  assert_int_equal(atomic_load(&fake.sent[CHIO_MSG_STREAM_ABORT]), 0);
  assert_int_equal(chio_stream_end(stream, chio_slice(NULL, 0), &output, &holder, NULL), CHIO_OK);
  chio_buf_clear(&holder);
  chio_client_free(client);
}

/* ---- Logins ---- */

static struct chio_login *log_in(struct chio_client *client) {
  struct chio_login *login = NULL;
  assert_int_equal(chio_login_new(client, 0, CHIO_USER_USER, chio_slice(NULL, 0), chio_slice_str("123456"), &login,
                                  NULL),
                   CHIO_OK);
  return login;
}

static void a_ticket_is_inherited_and_ended_by_its_maker_alone(void **state) {
  (void)state;
  struct chio_client *client = client_of(fake.endpoint);
  struct chio_login *login = log_in(client);
  uint8_t ticket[CHIO_TICKET_MAX];
  struct chio_slice got;
  pid_t child = fork();
  if (child == 0) {
    bool good = chio_login_ticket(login, client, ticket, &got) == CHIO_OK && got.len == sizeof "a ticket" &&
                memcmp(got.data, "a ticket", got.len) == 0;
    chio_login_end(login, client);
    leave(client, good ? 0 : 1);
  }
  assert_int_equal(wait_for(child), 0);
  assert_int_equal(atomic_load(&fake.sent[CHIO_MSG_LOGOUT]), 0);
  chio_login_end(login, client);
  assert_int_equal(atomic_load(&fake.sent[CHIO_MSG_LOGOUT]), 1);
  assert_int_equal(chio_login_ticket(NULL, client, ticket, &got), CHIO_OK);
  assert_int_equal(got.len, 0);
  chio_client_free(client);
}

static void a_ticket_at_two_thirds_of_its_life_is_renewed(void **state) {
  (void)state;
  struct chio_client *client = client_of(fake.endpoint);
  atomic_store(&fake.lifetime, 0);
  struct chio_login *login = log_in(client);
  uint8_t ticket[CHIO_TICKET_MAX];
  struct chio_slice got;
  for (unsigned i = 1; i <= 3; i++) {
    assert_int_equal(chio_login_ticket(login, client, ticket, &got), CHIO_OK);
    assert_true(chio_slice_equal(got, chio_slice_str("a fresh ticket")));
    assert_int_equal(atomic_load(&fake.sent[CHIO_MSG_RENEW]), i);
  }
  do_deed(FAKE_REFUSE, 1);
  assert_int_equal(chio_login_ticket(login, client, ticket, &got), CHIO_OK);
  assert_true(chio_slice_equal(got, chio_slice_str("a fresh ticket")));
  chio_login_free(login);
  unsigned renewals = atomic_load(&fake.sent[CHIO_MSG_RENEW]);
  atomic_store(&fake.lifetime, 3600); /* and a young one is not */
  login = log_in(client);
  assert_int_equal(chio_login_ticket(login, client, ticket, &got), CHIO_OK);
  assert_int_equal(atomic_load(&fake.sent[CHIO_MSG_RENEW]), renewals);
  chio_login_free(login);
  chio_login_free(NULL);
  chio_client_free(client);
}

static void a_login_is_never_tried_twice(void **state) {
  (void)state;
  struct chio_client *client = client_of(fake.endpoint);
  struct chio_login *login = NULL;
  do_deed(FAKE_CLOSE, 1);
  assert_int_equal(chio_login_new(client, 0, CHIO_USER_USER, chio_slice(NULL, 0), chio_slice_str("123456"), &login,
                                  NULL),
                   CHIO_E_DISCONNECTED);
  assert_int_equal(atomic_load(&fake.sent[CHIO_MSG_LOGIN]), 1);
  chio_client_free(client);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_SIGNER(calls_one_after_the_other_share_a_connection),
      WITH_SIGNER(a_trace_is_named_once_a_connection_to_a_signer_that_knows_traces),
      WITH_SIGNER(a_refusal_comes_back_with_its_text),
      WITH_SIGNER(a_reply_that_is_none_closes_the_connection),
      WITH_SIGNER(a_reply_in_crumbs_is_put_together),
      WITH_SIGNER(a_large_reply_arrives_whole),
      WITH_SIGNER(a_request_above_its_limit_is_refused_and_not_sent),
      WITH_SIGNER(arguments_that_are_missing_are_refused),
      WITH_SIGNER(an_idempotent_call_is_sent_again_after_a_loss),
      WITH_SIGNER(another_call_is_not_sent_again_after_a_loss),
      WITH_SIGNER(a_signer_that_always_dies_of_a_request_is_not_asked_for_ever),
      WITH_SIGNER(after_a_restart_even_what_cannot_be_repeated_works),
      WITH_SIGNER(a_signer_that_is_being_restarted_is_waited_for),
      cmocka_unit_test(a_signer_that_was_never_there_is_named),
      WITH_SIGNER(silence_ends_in_a_timeout),
      WITH_SIGNER(a_signer_of_another_version_is_refused),
      WITH_SIGNER(a_refused_hello_is_the_answer),
      cmocka_unit_test(malformed_endpoints_are_refused),
      cmocka_unit_test(a_plain_path_is_refused_with_the_remedy),
      WITH_SIGNER(the_next_endpoint_is_tried_when_the_first_is_not_there),
      WITH_SIGNER(a_second_signer_takes_over_from_the_first),
      cmocka_unit_test(an_embedded_signer_that_cannot_be_loaded_is_named),
      cmocka_unit_test(a_trusted_user_who_does_not_exist_is_refused),
      WITH_SIGNER(nothing_is_said_to_an_untrusted_listener),
      WITH_SIGNER(a_stream_is_answered_at_its_end),
      WITH_SIGNER(an_aborted_stream_gives_its_connection_back),
      WITH_SIGNER(a_stream_that_was_lost_says_so),
      WITH_SIGNER(a_child_never_touches_the_stream_of_its_parent),
      WITH_SIGNER(a_ticket_is_inherited_and_ended_by_its_maker_alone),
      WITH_SIGNER(a_ticket_at_two_thirds_of_its_life_is_renewed),
      WITH_SIGNER(a_login_is_never_tried_twice),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
