# What docs/ adds to the build.
