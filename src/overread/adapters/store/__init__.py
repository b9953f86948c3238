"""What Overread remembers, in SQL: SQLite by default, any database SQLAlchemy speaks by URL."""
