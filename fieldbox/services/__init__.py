"""One module per running service: the only place that builds adapters."""
