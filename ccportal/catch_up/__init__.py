"""The files and tables that an Asterisk writes, followed as they grow: the record of what happened."""
