"""Digests of the shipped model files; made by `python -m models.pin`."""

SHA256: dict[str, str] = {
    "weeds-fp32.onnx": "4a38dff9ee9a1c081247d9582871f233ddbb1df4af2330d08a12656fd17b5d01",
    "weeds.onnx": "ba14ec83d46dcbb51fd6215e569c55ddbecbd74c471a4b09f706e056ba2fc067",
}
