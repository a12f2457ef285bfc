"""FastAGI: an Asterisk's dialplan connects to us and answers questions about its channel."""
