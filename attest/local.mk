# What attest/ adds to the build.
