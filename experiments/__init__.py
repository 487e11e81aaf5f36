"""The programs: what Hydra runs."""
