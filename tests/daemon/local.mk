# What tests/daemon/ adds to the build.
