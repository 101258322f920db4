"""From poses to the ground: the camera, its footprint, and the plan of which view looks at which ground."""
