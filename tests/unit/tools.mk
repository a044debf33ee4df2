# Unit tests of tools/.
UNIT_TESTS += tests/unit/test_program
tests_unit_test_program_SOURCES = tests/unit/test_program.c tools/hsm/program.c tools/hsm/program.h
tests_unit_test_program_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_program_LDADD = $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_toml_edit
tests_unit_test_toml_edit_SOURCES = tests/unit/test_toml_edit.c tools/hsm/toml_edit.c tools/hsm/toml_edit.h
tests_unit_test_toml_edit_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_toml_edit_LDADD = $(UNIT_LIBS)
