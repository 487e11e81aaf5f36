"""The shelf of decompositions: one file each, that takes one quantity apart."""
