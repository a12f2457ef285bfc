"""What records: it decides about live calls in memory and commands the switch, whatever the database does."""
