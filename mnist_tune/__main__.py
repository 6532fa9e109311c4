"""`python -m mnist_tune`."""

import sys

from mnist_tune.cli import main

sys.exit(main())
