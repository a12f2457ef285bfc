"""What people look after themselves: password, second step, and where they are signed in."""
