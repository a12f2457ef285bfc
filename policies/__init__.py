"""What should be recorded: the documents that tenants write, and the decision from them."""
