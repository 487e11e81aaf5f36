"""Sources: where a panel comes from; one file each."""
