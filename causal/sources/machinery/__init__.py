"""What sources share, or are made of."""
