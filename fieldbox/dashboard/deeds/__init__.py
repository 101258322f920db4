"""What a person can do that changes something, by subject.

Each deed checks, changes the store and writes down who did it; it raises Rejected with a sentence that says what is
wrong and what to do. Pages and the JSON API call the same deeds.
"""What a person can do that changes something: a module per subject, called by the pages and by the API alike.

Each deed checks, changes the store, writes who did it into the audit, and raises Rejected with a sentence where it is refused.
"""
"""What people can do that changes something: one function each, for the pages and for the interface of programs."""
