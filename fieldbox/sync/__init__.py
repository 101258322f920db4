"""Getting messages off the farm: when to connect, over what, and what counts as done."""
