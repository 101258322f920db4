"""Finding plants in pictures: the model's runtime, the decoding of what it says, and the weed model."""
