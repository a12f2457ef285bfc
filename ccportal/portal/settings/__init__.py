"""What an account's people set: names, files, storage, webhooks, keys."""
