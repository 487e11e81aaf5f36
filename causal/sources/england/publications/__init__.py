"""One module for each publication."""
