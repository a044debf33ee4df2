# What tools/ adds to the build.
include tools/hsm/local.mk
include tools/bench/local.mk
