# What signer/client/ adds to the build: all that the front doors link.
noinst_LTLIBRARIES += signer/client/libchio-client.la
signer_client_libchio_client_la_SOURCES = \
  signer/client/batch.c \
  signer/client/call.c signer/client/call.h \
  signer/client/client.c signer/client/client.h \
  signer/client/connect.c signer/client/connect.h \
  signer/client/deadline.h \
  signer/client/door.c signer/client/door.h \
  signer/client/embedded.c signer/client/embedded.h \
  signer/client/endpoint.c signer/client/endpoint.h \
  signer/client/fork.c signer/client/fork.h \
  signer/client/link.c signer/client/link.h \
  signer/client/login.c \
  signer/client/pem_uri.c signer/client/pem_uri.h \
  signer/client/pool.c signer/client/pool.h \
  signer/client/reply.c signer/client/reply.h \
  signer/client/socket.c signer/client/socket.h \
  signer/client/stream.c \
  signer/client/trust.c signer/client/trust.h \
  signer/client/uri.c signer/client/uri.h
