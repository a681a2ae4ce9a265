"""Files become a library of posts, or problems that an editor can correct."""
