/* Answers that a KMS wrapped for a key of ours: CMS in BER. The key is a test's own; the first seed was wrapped for it. */
#include "signer/base/text.h"
#include "signer/core/recipient.h"
#include "tests/fuzz/fuzz.h"

static const char key[] =
    "MIIEpQIBAAKCAQEAoSWpqW90E3F7V2sbYUqpCLi/mFnpPwVdME3kh4f2jmRCMetOQejzVG0Y6I+E2k7Hrnec3PfCeBOhsOFydcu0"
    "RHTpXsDLVKYlsw62zoJVAAnzgl9e84uxEDVbCv1alUqpAvxPHSUjp6oNsOy/m+s73uHTmpUjwLLUF7w2tSBpF/f1oZlBxeBOwG1v"
    "Qg65sUKBALgZThwmeMv7JuzBkCzXl4zMSPd99FI2+kHPKpsvfFO67ZJa+5mpbD4U6SJH38jiQ66HfIOdLgqIqCGONEpKmYoCxc4Z"
    "8l8n7pEUPSxpzOcwIuAmYp+1JDO74bHWAFa7k/L18dQlPS7L8EynQ4lmHwIDAQABAoIBAAq3p90Dne4Hx3Lnm16RH0Tb5KzhQ0ip"
    "tqpBGUiE8Q+Z+L0RL+yPmFSuciWlcJSEViDIW7+7yqHpzFXTPfrk8rb1f5U0WqblQJn0CecaIUUWDwKbYoPtb81AKdnv7QJY1idu"
    "Aw+mf1nl+XB248Ie7FBv0dRKGaKgl3KCALFzLQom8exb+bY3t275rZ5n9m8JLb35qae294t5drTBlHNCVEnPZ5uN1kTYs+v4jTey"
    "SHYFhfL95bpFKxG4QbdolXcqeDDEAWo76b/R3dK0WGetok4L00EnkbalP39tspjzgb5FnvW5uJ85pXkBk64BUHYh/vqapsIoawRl"
    "0oe4rmHkgKECgYEA0Ka8UaZP930VDRFiwWn69wLJmtvT0c7NANVvGy1jsdxYOTqgCwRg09yvIxUZLPPODNLUqtb15Ic4Go2nrrbU"
    "elq5W7zPwslMobwOaY+6MM6j4Lfw8g9CeVFcRFx55B25uksYjnpwKBcpVTG2hFlkqsOupKQEsYOm/rPgkk/Sod0CgYEAxbc/QPfu"
    "xAlATpt5VNKyT2Lo9J2hag5pCj3la4ZVHdBKBtyHbNP3w3owAiI5P9VOtQs+i+AGhPrBVPu5vod6+5JpfewvCbWU7U9nJTCK0NM7"
    "QmrjfLmW9PnvYy66giJVK5BR1O8tyYIX/K2m/UPQy90/xhjXhwUNOp/si610risCgYEApS5Kyez7Q7e/caAA6ZPoPaL0TeeYEnJA"
    "c1eE5SQS19zT70KNLwuhSDheYkyyqJa+2gISoMka03eFH+hjBnrxTYgDVC/u3osUYroJQuKpCTieHiog0tDn1Dln7Sq0yLYLsgL/"
    "htRBdEuZyjtX/gDzJAlUejzrBklubBelQs90tfUCgYEAvnUORqxO4aKzwsU79LzeLWDvXSw3YG2vO8FyLckCVyzdEoz/G5N42WHr"
    "uzJyiY4WOooxXxaX0SOodw/h1qq1in94hWetzCGR66QQjR+cqRrBu/IxX2V8CFJ3CsjpuxANkWB9o6wfJDzglHRHJzNbf/aKR26I"
    "t7TjEHUbrVWSz28CgYEAnODOWk9ruQC6uq3Oz/IomUMHC3mYgz34rkODUmBUG6nDZ2fNbiLXfeGdT8vS8hEaw2yFDk25VJYD5J+m"
    "GIEc7SzfAXp0hZblvED1JKhFK+7AJz8qEDzeQiHhwarRXObLsX7SoKvlCwisoPmxxhwI/DKR+oPU6gYX5l/4o/vZ5/c=";

static struct chio_recipient *recipient;

static void set_up(void) {
  struct chio_buf der = CHIO_BUF_INIT;
  FUZZ_HOLDS(chio_base64_decode(chio_slice_str(key), false, &der) == CHIO_OK);
  FUZZ_HOLDS(chio_recipient_from(chio_buf_slice(&der), &recipient) == CHIO_OK);
  chio_buf_clear(&der);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct chio_secret *plain = NULL;
  if (recipient == NULL) set_up();
  if (chio_recipient_open(recipient, chio_slice(data, size), &plain, NULL) != CHIO_OK) return 0;
  FUZZ_HOLDS(plain->len > 0 && plain->len <= CHIO_RECIPIENT_PLAIN_MAX);
  chio_secret_free(plain);
  return 0;
}
