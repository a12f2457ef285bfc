"""Calls told to another system over SOAP: signed in, then one operation after the other."""
