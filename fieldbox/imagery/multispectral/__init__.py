"""The band files of one multispectral exposure to aligned reflectance."""
