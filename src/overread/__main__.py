"""`python -m overread` is `overread`."""

import sys

from overread.app.cli import main

if __name__ == "__main__":
    sys.exit(main())
