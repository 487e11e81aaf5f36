"""The configurations; this file makes their folder importable."""
