"""What happened, unforgeably: events in a hash chain. Owns the port AuditTrail."""
