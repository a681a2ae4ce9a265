"""Documents become answers to HTTP requests."""
