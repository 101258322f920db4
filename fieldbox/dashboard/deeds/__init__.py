"""What a person can do that changes something, by subject.

Each deed checks, changes the store and writes down who did it; it raises Rejected with a sentence that says what is
wrong and what to do. Pages and the JSON API call the same deeds.
"""
