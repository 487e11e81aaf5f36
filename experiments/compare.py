"""Compare runs that are there already: python experiments/compare.py RUN_OR_FOLDER …"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    from causal.cli import main

    sys.exit(main(["compare", *sys.argv[1:]]))
