# What tests/module/ adds to the build: programs and scripts that use the built modules as applications do.
check_PROGRAMS += tests/module/pkcs11_conformance
tests_module_pkcs11_conformance_SOURCES = tests/module/pkcs11_conformance.c tests/module/p11test.c tests/module/p11test.h
