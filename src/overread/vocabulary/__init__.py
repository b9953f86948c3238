"""Words with one meaning: UIDs, codes, units, geometry, errors. Imports nothing of ours."""
