"""Files become a library of posts, or problems an editor can mend."""
