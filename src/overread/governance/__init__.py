"""May it leave: `gate(result, policy)` answers with a value that delivery can't do without."""
