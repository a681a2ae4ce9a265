"""What was published elsewhere, brought in as post files: pages, feeds, exports of WordPress."""
