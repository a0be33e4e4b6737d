"""Signals of any length: where they come from, and segments of them as rows."""
