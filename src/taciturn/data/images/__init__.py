"""Images of any size: where they come from, patches of them as rows, and files to write them into."""
