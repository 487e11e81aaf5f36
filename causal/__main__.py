"""`python -m causal …`: the command line."""

from __future__ import annotations

import sys

from causal.cli import main

sys.exit(main())
