"""Digests of the shipped model files; made by `python -m models.pin`."""

SHA256: dict[str, str] = {
    "health.onnx": "33a82cf5ef202b2e3a78a3537740b3dc249a212e33b0568ebc5570d44f6e3287",
    "leaves-fp32.onnx": "3c782e280bea29dc736d76b72f9974a9a6ecdc39f66a8ccd5b79357f3061453b",
    "leaves.onnx": "9c1018b10bbba9b268ba2582ceab45eac1e8694908e1830995ecabe7b3d061bc",
    "weeds-fp32.onnx": "f86486aa2ca18d09132f5d14b139140bade21b27da878ee9496e29b47f844a29",
    "weeds.onnx": "6a8ca66dc083818f8a51c0fab9c17d42abad4477efc90437d4baae06be6c5483",
}
