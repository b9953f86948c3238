"""The guarded DICOMweb services: STOW-RS, QIDO-RS and WADO-RS (PS3.18) over the port Archive."""
