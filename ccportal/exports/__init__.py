"""Lists as files, made in the background."""
