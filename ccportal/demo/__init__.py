"""A portal to look at: two tenants, a month of calls, and new ones coming in."""
