"""Which model file may run on this box, and whether it still says what it said when it was released."""
