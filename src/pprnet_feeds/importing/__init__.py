"""Posts that were published elsewhere, as post files: of Word, saved pages, feeds, WordPress and folders."""
