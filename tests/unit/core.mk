# What decides in signer/core: templates, and the core driven by frames.
CORE_RIG = tests/unit/core_rig.c tests/unit/core_rig.h tests/support/temp_dir.h
CORE_LIBS = signer/core/libchio-core.la $(JANSSON_LIBS) $(SODIUM_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_template
tests_unit_test_template_SOURCES = tests/unit/test_template.c
tests_unit_test_template_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_template_LDADD = $(CORE_LIBS)
