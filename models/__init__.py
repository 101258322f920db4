"""The models that the box ships, and the recipes that made them."""
