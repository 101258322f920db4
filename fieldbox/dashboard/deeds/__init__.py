"""What people can do that changes something: one function each, for the pages and for the interface of programs."""
