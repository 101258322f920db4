"""What a person can do that changes something, a module per subject; pages and the API call the same deeds.

Each checks, changes the store and writes down who did it; it raises Rejected with a sentence that says what is wrong and what
to do.
"""
