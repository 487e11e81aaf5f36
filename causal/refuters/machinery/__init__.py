"""What several refuters share; nothing here stands on the shelf by itself."""
