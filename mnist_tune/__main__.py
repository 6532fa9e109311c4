"""`python -m mnist_tune`: the same as `mnist-tune`."""

import sys

from mnist_tune.cli import main

if __name__ == "__main__":
    sys.exit(main())
