"""Due rows, which steps have anything to do, the audit trail. Imports db and tables."""
