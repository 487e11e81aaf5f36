"""Rows of people: a file of children becomes a panel of authorities and years, added up where the file lies."""

from causal.sources.rows.children import Children
from causal.sources.rows.source import Rows

__all__ = ["Children", "Rows"]
