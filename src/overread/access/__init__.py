"""Who may do what: principals, roles, permissions. Knows UIDs only."""
