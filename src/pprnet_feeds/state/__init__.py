"""What must survive a restart: the database, and when each content was first seen."""
