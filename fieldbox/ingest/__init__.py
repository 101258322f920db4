"""From a card or folder to verified copies, grouped into flights."""
