"""Digests of the shipped model files; made by `python -m models.pin`."""

SHA256: dict[str, str] = {
    "health.onnx": "ea03fb16562c63e4db94e98bb711a6ba5465821026ce41002ef3c0c121f91930",
    "leaves-fp32.onnx": "3c782e280bea29dc736d76b72f9974a9a6ecdc39f66a8ccd5b79357f3061453b",
    "leaves.onnx": "9c1018b10bbba9b268ba2582ceab45eac1e8694908e1830995ecabe7b3d061bc",
    "weeds-fp32.onnx": "23f7a0c74050a16566a08a3ac758b94b1ac8c44c0de85096bbb5bbbe674c2abc",
    "weeds.onnx": "c3715f17f659096e387ca5357af7f6cb4a3aa11d21a51331ae8ca4b82689551b",
}
