"""How `models/health.onnx` is made: symptoms painted on real plants, features, the two candidates, the choice."""
