"""What editors do before readers see anything: check, plan, publish, begin a post."""
