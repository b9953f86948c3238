"""Whatever executes a model: plug-ins, ONNX files and commands, each in a process of its own."""
