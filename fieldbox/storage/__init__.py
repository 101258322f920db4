"""The database of a box: one SQLite file, opened by the worker, the web pages and the command line."""
