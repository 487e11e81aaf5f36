"""Errors of estimates whose rows are not independent: arrays in, arrays out."""
