"""The far end: takes in what boxes send, and answers."""
