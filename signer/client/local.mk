# What signer/client/ adds to the build.
