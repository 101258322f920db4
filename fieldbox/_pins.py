"""Digests of the shipped model files; made by `python -m models.pin`."""

SHA256: dict[str, str] = {
    "weeds-fp32.onnx": "a773379b5f57caafcbbc2b9e2a82ea1c2746f662ac9e3596cd6d324c662eabb6",
    "weeds.onnx": "eddd0ff8e994bc7f6180276d2ff73eb9fca19e05c1c3cdfbbff92ed8c74fee83",
}
