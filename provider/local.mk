# What provider/ adds to the build.
