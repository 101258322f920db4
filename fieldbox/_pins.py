"""Digests of the shipped model files; made by `python -m models.pin`."""

SHA256: dict[str, str] = {
    "health.onnx": "0961c91e6aa372758106ac62f945d8018cbf1e70a614eeca1b76ecd6c4f6c586",
    "leaves-fp32.onnx": "3c782e280bea29dc736d76b72f9974a9a6ecdc39f66a8ccd5b79357f3061453b",
    "leaves.onnx": "9c1018b10bbba9b268ba2582ceab45eac1e8694908e1830995ecabe7b3d061bc",
    "weeds-fp32.onnx": "d10dff37a00a880fdc1844594916b6cd0d7dafb7e35d74c7a2234f25f0cf9b6c",
    "weeds.onnx": "4cfa0e9f482d9b7b85fe4d4d9fe5ff43f491790e837481d59610a92730b2b11e",
}
