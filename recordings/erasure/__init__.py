"""Erasing a number: everything an account has of it goes, but what a legal hold keeps, with a report."""
