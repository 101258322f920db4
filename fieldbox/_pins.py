"""Digests of the shipped model files; made by `python -m models.pin`."""

SHA256: dict[str, str] = {
    "weeds-fp32.onnx": "4d5bb75c1f39f8d8c33aa3fe1c30a570bb4b9c9cdc3e090b7b38575ae6069e44",
    "weeds.onnx": "2661bd19b8cf99c17d4c6f4dfc91e1688676acbd2df6b281bfeefe84eb0963ae",
}
