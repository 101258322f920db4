"""Digests of the shipped model files; made by `python -m models.pin`."""

SHA256: dict[str, str] = {
    "weeds-fp32.onnx": "97dfcf24606b87507769d60a4f9c1f58d5dc8302a5f8d8b4946e6f8ebae69ecc",
    "weeds.onnx": "238422898cfb3098daaea3b9d3b4ebecb50f87fd95916db6ddc93aa24a4febe1",
}
