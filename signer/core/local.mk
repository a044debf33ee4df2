# What signer/core/ adds to the build.
