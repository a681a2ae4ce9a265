"""Statistics: counters of requests, what feed readers report, and numbers for a monitor."""
