"""A user's own table: a file becomes a panel, and everything wrong with it is told at once."""

from causal.sources.table.source import Table

__all__ = ["Table"]
