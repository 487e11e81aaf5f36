"""`python -m causal.testing FOLDER`: every class that a folder's configurations name, held to its contract. It runs the code of that folder."""

from __future__ import annotations

import sys

from causal.testing.folder import main

sys.exit(main(sys.argv[1:]))
