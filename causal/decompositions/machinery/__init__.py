"""What decompositions are made of; nothing here stands on the shelf by itself."""
