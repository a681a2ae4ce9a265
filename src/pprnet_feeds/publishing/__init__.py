"""What several commands need: checks, what a publication changes, records of DOIs, post files."""
