"""The site as files, for a folder that any web server serves, or for object storage."""
