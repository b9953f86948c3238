"""Doors for people and programs: REST, the guarded DICOMweb proxy, live events."""
