"""What Asterisks tell over FastAGI, from the socket into a journal and from there into the database."""
