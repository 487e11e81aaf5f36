"""Estimators: one file each, or one small family."""
