"""Posts that were published elsewhere, as post files: Word files, saved pages, feeds, exports of WordPress, folders."""
