"""What people do on the box that changes something: each checks, changes, and writes down who did it."""
