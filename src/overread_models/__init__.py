"""The bundled models, registered as plug-ins exactly as a stranger's would be."""
