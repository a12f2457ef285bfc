"""What the database is asked for in bulk: many rows written at once, many names looked up at once."""
