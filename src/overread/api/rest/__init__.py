"""The JSON interface under /api/v1; docs/api.md says what each route means."""
