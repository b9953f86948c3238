"""Where images are kept: the embedded archive, a PACS behind DICOMweb, and the quarantine."""
