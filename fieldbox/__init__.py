"""fieldbox: a drone flight goes in, a field map comes out, one kilobyte leaves when the link allows."""

__version__ = "0.1.0"
