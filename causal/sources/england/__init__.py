"""England's published files: a folder of them becomes one panel."""

from causal.sources.england.source import England

__all__ = ["England"]
