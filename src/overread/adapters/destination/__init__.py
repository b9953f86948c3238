"""Where released objects go: the archive that the study came from, or a folder."""
