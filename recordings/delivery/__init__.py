"""What leaves the house: finished files to the urls of grants, and news to webhooks."""
