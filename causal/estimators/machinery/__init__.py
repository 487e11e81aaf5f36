"""What several estimators share; nothing here stands on the shelf by itself."""
