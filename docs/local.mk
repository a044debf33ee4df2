# What docs/ adds to the build.
EXTRA_DIST += docs
