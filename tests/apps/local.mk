# What tests/apps/ adds to the build.
