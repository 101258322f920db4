"""Fields and flights whose truth is known."""
