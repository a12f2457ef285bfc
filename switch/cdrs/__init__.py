"""What a FreeSWITCH wrote down of legs when they ended (mod_json_cdr, mod_xml_cdr, mod_cdr_csv), as events.

A CDR's times are the channel's own (microseconds); of queues it has whole seconds, only the last passage of a
caller, and the offers by the agents' legs. ``cdr.assembly`` lets the switch's events win where it has both.
"""
