"""What an Asterisk tells of its calls: CDR rows, queue_log and channel ids."""
