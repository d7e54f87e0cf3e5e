"""Who signs for a copy at the desk, and how: password, desk PIN, drawn signature, paper."""
