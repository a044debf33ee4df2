# chio-bench: knows modules by dlopen alone.
bin_PROGRAMS += tools/chio-bench
tools_chio_bench_SOURCES = \
  tools/bench/algorithm.c tools/bench/bench.h \
  tools/bench/main.c \
  tools/bench/module.c \
  tools/bench/options.c tools/bench/options.h \
  tools/bench/report.c tools/bench/report.h \
  tools/bench/run.c tools/bench/run.h \
  tools/bench/way_bare.c tools/bench/way_module.c
tools_chio_bench_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
tools_chio_bench_LDADD = signer/base/libchio-base.la $(CRYPTO_LIBS) $(SODIUM_LIBS)
dist_man_MANS += docs/man/chio-bench.1
