"""Posts that were published elsewhere, as post files: saved pages, feeds, exports of WordPress."""
