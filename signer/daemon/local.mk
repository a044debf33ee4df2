# What signer/daemon/ adds to the build.
