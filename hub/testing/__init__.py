"""Shipped for tests, ours and other packages': fakes with behaviour, and channels' conformance kit (`channel_kit`)."""
