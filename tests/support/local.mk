# What tests/support/ adds to the build.
