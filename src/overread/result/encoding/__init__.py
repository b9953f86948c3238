"""A `Result` as bytes: `to_x(result, sources) -> bytes`, pure, equal input gives equal bytes.

`sources` are the headers (pydicom Datasets without pixels) of the result's series in slice order.
"""
