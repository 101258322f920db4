"""How fast fieldbox is on this machine, told as ratios within one run."""
