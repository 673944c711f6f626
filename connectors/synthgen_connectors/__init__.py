"""Connectors that come with SynthGen; it finds them by entry point and never imports them."""
