"""The site as files: for a folder that any web server answers from, or for object storage."""
