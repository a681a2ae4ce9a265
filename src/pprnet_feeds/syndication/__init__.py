"""A library of posts becomes documents: feeds in every format."""
