"""Bytes to pixels and pose: what a photo says of itself, and its pixels at the scale asked for."""
