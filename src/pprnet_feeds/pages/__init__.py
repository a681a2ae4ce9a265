"""A library of posts becomes pages for people."""
