"""From views to a field map: cell sums, plants at seams, hotspots, health, mosaic and exports."""
