"""The process that hears one switch: it reads without waiting; another process writes the rows."""
